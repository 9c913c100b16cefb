package remote

import (
	"strconv"
	"strings"
)

// The supervisor is the shell text that runs a script on a host. What it must
// do, and why it is made as it is:
//
//   - The command line that sshd gives to the login shell holds no user data
//     and must read the same in every shell (fish and tcsh treat backslashes
//     and "!" inside single quotes in their own ways). So it is always
//     exec sh -c '…e=$(dd bs=1 count=N 2>/dev/null)…; eval "$e"'
//     and everything else comes on stdin. dd bs=1 is the one reader that
//     never takes more than its share (busybox's head -c does); where dd knows
//     fullblock, one read of N bytes does the same without N system calls.
//   - sshd leaves a command running when its channel or its connection ends.
//     The one sign that always reaches the host is end of file on stdin, also
//     below sudo. So stdin carries frames (a decimal length and a newline,
//     then that many bytes; 0 ends the script's input) and stays open until
//     the script has ended. End of file before that means: stop.
//   - The pump unframes stdin into the script's own. It sends TERM to the
//     supervisor when stdin ends, and holds the script's stdin open until the
//     script is dead, so that a lost connection is never taken for the end of
//     the input.
//   - A script that does not read its stdin can block the pump, which then no
//     longer sees its own end. So while input is under way a ticker writes a
//     NUL to stderr every second: once sshd has closed the channel, the write
//     fails, and that too means stop. The reader drops the NULs. The ticker
//     looks itself whether the pump is still there: a trap in the pump could
//     lose the very signal that ends it, since shells have a moment between
//     looking for signals and reading.
//   - The script runs as leader of a session of its own (setsid), so that one
//     kill reaches all that it started. TERM, two seconds, KILL. Without
//     setsid the group is the supervisor's own. A child that must outlive the
//     script is started with setsid by the script.
//   - dash and bash wait for a whole pipeline, the pump included. So the
//     script's shell (the runner) learns the pump's pid as the first line on
//     the pipe and ends it when the script is done. It has no other way to
//     know: $$ in a subshell is the pid of the main shell.
//   - A script that arrives in part only, because the connection was cut, is not
//     run: its last line must be there.
//   - The script's shell survives SIGPIPE (its children do not): dash tells of a
//     killed child on stderr, and where that is closed it would die before the
//     script's own traps clean up.
//   - stderr of the supervisor itself goes nowhere, since bash reports killed
//     children there; the script's stderr is kept on descriptor 5.
const supervisorText = `LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
export LC_ALL PATH
exec 3<&0 5>&2 </dev/null 2>/dev/null
c= p= k= g=0 s=
if command -v setsid >/dev/null; then s=setsid; fi
end() {
	[ -z "$k" ] || return 0
	k=x
	kill -TERM $g
	(
		i=0
		while [ $i -lt 20 ] && kill -0 $g; do
			sleep 0.1 || { sleep 1; i=$((i+9)); }
			i=$((i+1))
		done
		kill -KILL $g
	) </dev/null >/dev/null 5>&- 3<&- &
	k=$!
}
trap : HUP INT PIPE
trap 'c=1; [ -z "$p" ] || end' TERM
{
	q=
	read -r q x </proc/self/stat || q=$(exec sh -c 'echo $PPID')
	echo "$q"
	dd ${d}@SCRIPT@
	w=
	while IFS= read -r n; do
		if [ "$n" = 0 ]; then
			exec >/dev/null
			[ -z "$w" ] || kill $w
			w=
			continue
		fi
		if [ -z "$w" ]; then
			(
				trap : PIPE
				while sleep 1 5>&-; do
					kill -0 "$q" || exit
					printf '\000' >&5 || break
				done
				kill -TERM $$
			) </dev/null >/dev/null &
			w=$!
		fi
		dd ${d}$n || { exec >/dev/null; cat; break; }
	done
	kill -TERM $$
	exec 5>&-
	i=0
	while [ $i -lt 50 ] && kill -0 $$; do sleep 0.1 || sleep 1; i=$((i+1)); done
	[ -z "$w" ] || kill $w
} <&3 3<&- | $s sh -c '
	exec 6>&2 2>/dev/null
	trap : TERM INT HUP
	read -r q
	e=$(dd '"${d}@SCRIPT@"')
	case $e in
	*"#rcwz-whole")
		(
			trap : PIPE
			exec 2>&6 6>&-
			eval "$e"
		)
		r=$? ;;
	*) r=143 ;;
	esac
	kill "$q"
	exit $r' 2>&5 3<&- 5>&- &
p=$!
[ -z "$s" ] || g=-$p
exec 3<&-
[ -z "$c" ] || end
wait $p
r=$?
if [ -n "$c" ]; then
	r=143
	if [ $g = 0 ]; then wait $p; kill $k; else wait $k; fi
fi
exit $r
`

// supervisor is the text for a script of n bytes.
func supervisor(n int) string {
	return strings.ReplaceAll(supervisorText, "@SCRIPT@", strconv.Itoa(n))
}

// loader is the command line that reads n bytes of script from stdin and runs
// them. It means the same in sh, bash, fish, tcsh, zsh, mksh and busybox.
func loader(n int) string {
	return "exec sh -c '" + readEval(n) + "'"
}

// readEval reads n bytes from stdin and no more, and runs them. It leaves in
// $d how dd is told a number of bytes to read; a dd that does not know fullblock
// says so before it reads. It holds no single quote.
func readEval(n int) string {
	count := strconv.Itoa(n)
	return `d="count=1 iflag=fullblock bs="; e=$(dd ${d}` + count + ` 2>/dev/null) || { d="bs=1 count="; e=$(dd ${d}` + count + ` 2>/dev/null); }; eval "$e"`
}
