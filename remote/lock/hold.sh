# Holds the lock file $1 for the operator with the id $2, of whom $3 tells, for
# as long as a line comes on stdin every $4 seconds. With $5 it takes up again
# what this operator held before, unless somebody else had it since.
#
# What decides is the kernel's flock(2) on the file of that name: it ends with
# the processes that hold it, and with the host. The file's first line is the
# holder's id, its second the host's time when it began, its third its word. It
# is removed by a holder that ends well. One that is found unlocked was left by
# a holder that died, and is taken over.
#
# It says one of
#   LOCKED SECONDS       the lock is held, since so many seconds
#   BUSY SECONDS WORD    somebody has held it for so many seconds
#   OTHER                somebody else had it since, or freed it
#   FAIL TEXT            the file cannot be made
# and, while it is held: HELD N to each line N; GONE when the file is no longer
# this one, EXPIRED when no line came in time.
f=$1 id=$2 word=$3 ttl=$4 again=$5
umask 022
d=${f%/*}
top=$d
while [ -n "$top" ] && [ ! -e "$top" ]; do top=${top%/*}; done
fail() {
	printf 'FAIL %s\n' "$*"
	exit 0
}
for tool in flock sleep date; do
	command -v $tool >/dev/null || fail "$tool is not installed (flock is in the package util-linux)"
done
busy=0 tries=0 mine=
while :; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || fail "$f changes all the time"
	if [ ! -e "$f" ]; then
		if [ -n "$again" ] && [ -z "$mine" ]; then
			echo OTHER
			exit 0
		fi
		e=$(mkdir -p -- "$d" 2>&1) || fail "$e"
		e=$( (set -C; : >"$f") 2>&1) || [ -e "$f" ] || fail "$e"
	fi
	if [ -w "$f" ]; then
		command exec 9<>"$f" || continue
	else
		command exec 9<"$f" || { [ ! -e "$f" ] || fail "$f cannot be read"; continue; }
	fi
	held=0 was= since= about=
	flock -n 9 9<&9 || held=1
	# The name may have gone to another file meanwhile.
	[ "/proc/self/fd/9" -ef "$f" ] || continue
	{ read -r was; read -r since; read -r about; } <&9 || :
	case $since in '' | *[!0-9]*) since=$(date +%s) ;; esac
	if [ $held = 1 ]; then
		if [ -n "$again" ] && [ "$was" = "$id" ] && [ -z "$mine" ]; then
			# Our own connection of before, whose loss the host has not seen
			# yet: it ends when it sees that its file is gone.
			rm -f -- "$f" || fail "$f cannot be removed"
			mine=$again
			continue
		fi
		busy=$((busy + 1))
		# Who has just begun to hold it may not have written down who it is.
		if [ $busy -lt 2 ] || { [ -z "$about" ] && [ $busy -lt 10 ]; }; then
			sleep 0.2 2>/dev/null || sleep 1
			continue
		fi
		printf '%s\n' "BUSY $(($(date +%s) - since)) $about"
		exit 0
	fi
	if [ -n "$again" ] && [ -z "$mine" ] && [ "$was" != "$id" ]; then
		echo OTHER
		exit 0
	fi
	[ -n "$again" ] || since=$(date +%s)
	if [ ! -w "$f" ]; then
		e=$(rm -f -- "$f" 2>&1) || fail "$e"
		mine=$again
		continue
	fi
	# Where the disk is full the lock holds all the same; nobody is told whose.
	printf '%s\n%s\n%s\n' "$id" "$since" "$word" >"$f" 2>/dev/null || :
	sync "$f" 2>/dev/null || :
	break
done

# The SSH connection over which this operator works here. Only shells and sudo
# may stand between; on this machine itself there is none.
connection= p=$$
while [ "$p" -gt 1 ]; do
	name= parent=0
	while read -r key value x; do
		case $key in
		Name:) name=$value ;;
		PPid:) parent=$value ;;
		esac
	done <"/proc/$p/status"
	case $name in
	sshd | sshd-session | dropbear)
		connection=$p
		break
		;;
	sh | dash | bash | ash | busybox | ksh | mksh | zsh | fish | tcsh | csh | sudo | setsid) p=$parent ;;
	*) break ;;
	esac
done
read -r main x </proc/self/stat
# The watch looks every second. A holder that is frozen, or that another has put
# out, loses its connection, and with it all that it has running here: nothing of
# it may go on. When the connection ends the watch holds the lock until the host
# has ended what else ran over it, by TERM and after two seconds by KILL.
(
	set +e
	n=0 why=
	trap 'n=0' USR1
	trap 'trap : TERM; sleep 3 >/dev/null 2>&1 9<&- & wait $!; wait; exit' TERM
	echo "LOCKED $(($(date +%s) - since))"
	while [ -z "$why" ]; do
		sleep 1 >/dev/null 2>&1 9<&-
		n=$((n + 1))
		if ! [ "/proc/self/fd/9" -ef "$f" ]; then
			why=GONE
		elif [ $n -ge "$ttl" ]; then
			why=EXPIRED
		fi
	done
	kill -TERM "$main"
	echo $why
	trap : TERM
	[ -z "$connection" ] || kill -TERM "$connection"
	sleep 3 >/dev/null 2>&1 9<&-
	wait
) &
watch=$!
while read -r n; do
	kill -USR1 $watch || exit 0
	# The watch says it when the file is another.
	if [ "/proc/self/fd/9" -ef "$f" ]; then echo "HELD $n"; fi
done
kill -KILL $watch || exit 0
if [ "/proc/self/fd/9" -ef "$f" ]; then
	rm -f -- "$f"
	while [ -n "$d" ] && [ "$d" != "$top" ]; do
		rmdir -- "$d" 2>/dev/null || break
		d=${d%/*}
	done
fi
echo RELEASED
