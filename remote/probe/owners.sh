# Says who has TCP ports of this host. Arguments: how many seconds Docker may take
# to list its containers, and the ports. As root it sees
# all; else what belongs to the login. Nothing is read that could hold a secret:
# of a process its name and cgroup, and whether it is one of our listeners. It
# begins with LISTED if it could read the sockets, says SLOW if Docker took too long,
# and ends with END.
have() { command -v "$1" >/dev/null 2>&1; }
within=$1
shift
pattern=
for port in "$@"; do pattern="$pattern -e $(printf ':%04X' "$port")"; done
if grep -q local_address /proc/net/tcp 2>/dev/null; then echo LISTED; fi
sockets=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep $pattern || :)
printf '%s\n' "$sockets" | while read -r n local far state x x x x x inode x; do
	[ -z "$inode" ] || echo "SOCKET $local $state $inode"
done
inodes=$(printf '%s\n' "$sockets" | while read -r x x x x x x x x x inode x; do case $inode in '' | 0) ;; *) printf ' -e socket:.%s.$' "$inode" ;; esac; done)
if [ -n "$inodes" ]; then
	dir=
	ls -l /proc/[0-9]*/fd 2>/dev/null | grep -e '^/proc/' $inodes | while read -r line; do
		case $line in
		/proc/*) dir=${line#/proc/} ;;
		*) echo "HAS ${dir%%/*} ${line##*socket:}" ;;
		esac
	done | sort -u | while read -r x pid inode; do
		echo "HAS $pid $inode"
		read -r name </proc/$pid/comm 2>/dev/null || name=
		if grep -q rcwz-listen /proc/$pid/cmdline 2>/dev/null; then name=rcwz-listen; fi
		echo "NAME $pid $name"
		sed "s/^/CGROUP $pid /" /proc/$pid/cgroup 2>/dev/null || :
	done
fi
if have docker; then
	limit=
	if have timeout; then limit="timeout $within"; fi
	$limit docker ps --no-trunc --format 'CONTAINER {{.ID}}|{{.Names}}|{{.Label "com.docker.compose.project"}}|{{.Label "com.docker.compose.service"}}|{{.Ports}}' 2>/dev/null || { [ $? != 124 ] || echo SLOW; }
fi
echo END
