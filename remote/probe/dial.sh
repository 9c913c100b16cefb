# Opens connections from this host, all at once, none for longer than $1
# seconds. Arguments: seconds, python's and perl's text, then triples of
# address, port, and what to send before one line is read ("-": only open).
# It says "TOOL name", then for each connection one of "OPEN i", "HEARD i line",
# "CLOSED i" (without a byte), "SILENT i", "ERR i errno text" (errno 0: by the
# text), "NOROUTE i errno text" and "TIME i".
limit=$1 py=$2 pl=$3
shift 3
# As in listen.sh: what cannot begin ends otherwise than with 0, 70 or a signal.
run() {
	command -v "$1" >/dev/null 2>&1 || return 0
	r=0
	"$@" || r=$?
	case $r in 0 | 70 | 129 | 1[3-9]?) exit $r ;; esac
}
run perl -e "$pl" rcwz-dial "$limit" "$@"
for p in python3 /usr/libexec/platform-python; do
	run $p -I -S -c "$py" rcwz-dial "$limit" "$@"
done

tcp() { # index, address, port, what to send
	r=0
	e=$(timeout "$limit" bash -c '{ exec 3<>"/dev/tcp/$0/$1"; } 2>&1 || exit 1
		echo open
		[ "$2" != - ] || exit 0
		printf "%s\n" "$2" >&3
		IFS= read -r -n 64 line <&3 || [ -n "$line" ] || { echo closed; exit 0; }
		printf "%s" "heard $line"' "$2" "$3" "$4" 2>&1) || r=$?
	e=$(printf '%s\n' "$e" | tr -d '\r' | LC_ALL=C tr -c ' -~\n' '.')
	case $r,$e in
	0,open*heard*) echo "HEARD $1 ${e#*heard }" ;;
	0,open*closed) echo "CLOSED $1" ;;
	0,open*) echo "OPEN $1" ;;
	124,open* | 143,open*) echo "SILENT $1" ;;
	124,* | 143,*) echo "TIME $1" ;;
	*) echo "ERR $1 0 ${e##*: }" ;;
	esac
}
if ! command -v bash >/dev/null 2>&1 || ! command -v timeout >/dev/null 2>&1; then
	# busybox' nc cannot tell an open connection from one that is being opened.
	echo "TOOL none"
	exit 0
fi
echo "TOOL bash"
i=0
while [ $# -gt 0 ]; do
	tcp $i "$1" "$2" "$3" </dev/null &
	i=$((i + 1))
	shift 3
done
wait
