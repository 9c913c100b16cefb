import os, select, socket, sys, time
def failed(*what):
    sys.__excepthook__(*what)
    os._exit(70)
sys.excepthook = failed
nonce, ttl, args = sys.argv[2], float(sys.argv[3]), sys.argv[4:]
def say(*words):
    os.write(1, (" ".join(str(w) for w in words) + "\n").encode())
say("TOOL python3")
doors = {}
for i in range(0, len(args), 2):
    ip, port = args[i], int(args[i + 1])
    try:
        s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in ip:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((ip, port))
        s.listen(128)
        s.setblocking(False)
    except OSError as e:
        say("ERR", i // 2, e.errno or 0, e.strerror or e)
        continue
    doors[s] = i // 2
    say("READY", i // 2)
end = time.monotonic() + ttl
guests = {}
def leave(c):
    door, peer, _, heard = guests.pop(c)
    try:
        heard += c.recv(64)
    except OSError:
        pass
    say("CONN", door, peer, "".join(chr(b) for b in heard if 48 <= b <= 57)[:9])
    c.close()
closing = not doors
while doors:
    now = time.monotonic()
    for c in [c for c in guests if guests[c][2] <= now]:
        leave(c)
    if now >= end:
        say("TTL")
        break
    if closing and (not guests or now >= closing):
        break
    wait = min([end, closing or end] + [g[2] for g in guests.values()]) - now
    ready = select.select(list(doors) + list(guests) + ([] if closing else [0]), [], [], max(0, wait))[0]
    for s in ready:
        if s == 0:
            if not os.read(0, 512):
                closing = time.monotonic() + 0.3
        elif s in doors:
            try:
                c, peer = s.accept()
                guests[c] = (doors[s], peer[0], time.monotonic() + 10, bytearray())
                c.setblocking(False)
                c.send(("RCWZ " + nonce + "\n").encode())
            except OSError:
                pass
        else:
            try:
                b = s.recv(64)
            except OSError:
                b = b""
            guests[s][3].extend(b)
            if not b or len(guests[s][3]) > 64:
                leave(s)
for c in list(guests):
    leave(c)
