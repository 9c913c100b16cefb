# Frees the lock file $1 of the holder with the id $2, if that is still who has
# it: says FREE, CHANGED if another has it, ENDED when the holder and all that it
# ran here is gone, or STAYS when that was not to be seen within ten seconds.
f=$1 id=$2
if ! [ -e "$f" ] || ! command exec 9<"$f"; then
	if [ -e "$f" ]; then echo "FAIL $f cannot be read"; else echo FREE; fi
	exit 0
fi
was=
read -r was <&9 || :
if [ "${was:--}" != "$id" ]; then
	echo CHANGED
	exit 0
fi
e=$(rm -f -- "$f" 2>&1) || {
	echo "FAIL $e"
	exit 0
}
# The holder's own watch on this host sees that within a second.
n=0
while [ $n -lt 50 ]; do
	if flock -n 9 9<&9; then
		echo ENDED
		exit 0
	fi
	n=$((n + 1))
	sleep 0.2 2>/dev/null || sleep 1
done
echo STAYS
