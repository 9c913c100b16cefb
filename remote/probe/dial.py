import errno, os, select, socket, sys, time
def failed(*what):
    sys.__excepthook__(*what)
    os._exit(70)
sys.excepthook = failed
limit, args = float(sys.argv[2]), sys.argv[3:]
def say(*words):
    os.write(1, (" ".join(str(w) for w in words) + "\n").encode())
say("TOOL python3")
end = time.monotonic() + limit
going, open_ = {}, {}
for i in range(0, len(args), 3):
    ip, port, ident = args[i], int(args[i + 1]), args[i + 2]
    s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    s.setblocking(False)
    e = s.connect_ex((ip, port))
    if e in (0, errno.EINPROGRESS):
        going[s] = (i // 3, ident)
    else:
        # Nothing was sent: for ENETUNREACH that means that there is no route.
        say("NOROUTE" if e == errno.ENETUNREACH else "ERR", i // 3, e, os.strerror(e))
while going or open_:
    left = end - time.monotonic()
    if left <= 0:
        break
    r, w, _ = select.select(list(open_), list(going), [], left)
    for s in w:
        i, ident = going.pop(s)
        e = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if e:
            say("ERR", i, e, os.strerror(e))
        elif ident == "-":
            say("OPEN", i)
            s.close()
        else:
            try:
                s.send((ident + "\n").encode())
            except OSError:
                pass
            open_[s] = i
    for s in r:
        try:
            b = s.recv(64)
        except OSError:
            b = b""
        line = b.split(b"\n")[0].rstrip(b"\r") if b else b""
        say("HEARD" if b else "CLOSED", open_.pop(s), "".join(chr(c) if 32 <= c < 127 else "." for c in line))
        s.close()
for i in open_.values():
    say("SILENT", i)
for i, _ in going.values():
    say("TIME", i)
