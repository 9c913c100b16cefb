# Listens on addresses of this host until its stdin ends or $2 seconds pass.
# Arguments: nonce, seconds, python's and perl's text, then pairs of address
# and port. It says "READY i" for each address that listens, only after
# listen(2), or "ERR i errno text" (errno 0: by the text), "TOOL name" for what
# listens, and "CONN i peer id" for each guest, to whom it sends "RCWZ nonce".
nonce=$1 ttl=$2 py=$3 pl=$4
shift 4
# What cannot begin (a shim without a program behind it, a module that is missing)
# ends otherwise than with 0, 70 or a signal, and the next has its turn: to try
# each first would start it twice. perl starts in a tenth of python's time.
run() {
	command -v "$1" >/dev/null 2>&1 || return 0
	r=0
	"$@" || r=$?
	case $r in 0 | 70 | 129 | 1[3-9]?) exit $r ;; esac
}
run perl -e "$pl" rcwz-listen "$nonce" "$ttl" "$@"
for p in python3 /usr/libexec/platform-python; do
	run $p -I -S -c "$py" rcwz-listen "$nonce" "$ttl" "$@"
done

# The others listen on one address each, in processes of their own, which end
# with this shell's process group. They cannot tell of their guests.
if systemd-socket-activate --version >/dev/null 2>&1; then
	tool=systemd-socket-activate
elif busybox nc --help 2>&1 | grep -q 'use -ll'; then
	tool='busybox nc'
elif nc --help 2>&1 | grep -q 'use -ll'; then
	tool=nc
else
	echo "TOOL none"
	exit 0
fi
echo "TOOL $tool"
trap : TERM
greet='echo "RCWZ $1"; read -r x || :'
listening() { # how many sockets listen on port $1
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -c "$(printf ':%04X' "$1") [0-9A-F]*:0000 0A" || :
}
activate() { # index, address and port
	SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_COLOR=0 SYSTEMD_LOG_TIME=0 SYSTEMD_LOG_LEVEL=info \
		systemd-socket-activate --inetd -a -l "$2" sh -c "$greet" rcwz-listen "$nonce" 2>&1 >/dev/null </dev/null |
		while IFS= read -r line; do
			case $line in
			*"Listening on "*) echo "READY $1" ;;
			*Failed*) echo "ERR $1 0 $line" ;;
			esac
		done
}
netcat() { # index, address, port: it says nothing when it listens
	only=
	if $tool --help 2>&1 | grep -q -e '-s ADDR'; then only="-s $2"; fi
	before=$(listening "$3")
	{
		e=$($tool -ll $only -p "$3" -e sh -c "$greet" rcwz-listen "$nonce" 2>&1 >/dev/null </dev/null) || :
		echo "ERR $1 0 ${e:-$tool ended}"
	} &
	n=0
	while [ $n -lt 20 ] && kill -0 $! 2>/dev/null; do
		if [ "$(listening "$3")" -gt "$before" ]; then
			echo "READY $1"
			break
		fi
		sleep 0.05 2>/dev/null || sleep 1
		n=$((n + 1))
	done
}
i=0
while [ $# -gt 0 ]; do
	if [ "$tool" = systemd-socket-activate ]; then
		case $1 in
		*:*) activate $i "[$1]:$2" & ;;
		*) activate $i "$1:$2" & ;;
		esac
	else
		netcat $i "$1" "$2"
	fi
	shift 2
	i=$((i + 1))
done
(
	sleep "$ttl"
	kill -TERM 0
) </dev/null >/dev/null 2>&1 &
cat >/dev/null || :
kill -TERM 0
wait
