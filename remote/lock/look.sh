# Says of the lock file $1 who holds it: FREE, or LEFT SECONDS ID WORD by one
# that died, or HELD SECONDS ID WORD. It takes nothing and leaves nothing.
f=$1
busy=0
while [ $busy -lt 3 ]; do
	if ! [ -e "$f" ] || ! command exec 9<"$f"; then
		if [ -e "$f" ]; then echo "FAIL $f cannot be read"; else echo FREE; fi
		exit 0
	fi
	say=LEFT
	flock -n 9 9<&9 || say=HELD
	id= since= word=
	{ read -r id; read -r since; read -r word; } <&9 || :
	[ "/proc/self/fd/9" -ef "$f" ] || continue
	if [ $say = LEFT ]; then break; fi
	# It may be another look, or a holder that has not written who it is.
	busy=$((busy + 1))
	sleep 0.2 2>/dev/null || sleep 1
done
case $since in '' | *[!0-9]*) since=$(date +%s) ;; esac
printf '%s\n' "$say $(($(date +%s) - since)) ${id:--} $word"
