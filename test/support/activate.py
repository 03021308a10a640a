"""Plays systemd's socket activation (sd_listen_fds(3)): opens sockets, gives them as descriptors 3 and up, and becomes the program.

activate.py SOCKET,... PROGRAM WORD...       SOCKET is NAME=KIND:ADDRESS:PORT; KIND: tcp, udp, connected, file. "@dns" as ADDRESS:PORT is what
                                             follows --dns among the words.
"""
import fcntl, os, socket, sys

def opened(kind, at):
    if kind == 'file':
        return os.open('/dev/null', os.O_RDONLY)
    host, port = at.rsplit(':', 1)
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM if kind == 'udp' else socket.SOCK_STREAM)
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((host.strip('[]'), int(port)))
    if kind == 'tcp':
        one.listen(128)
    if kind == 'connected':
        other = socket.create_server(('127.0.0.1', 0))
        one.setblocking(True)
        one.connect(other.getsockname())
        # Stays open in the program, so that the connection does.
        other.set_inheritable(True)
        kept.append(other)
    kept.append(one)
    return one.fileno()

kept = []
words = sys.argv[2:]
names, numbers = [], []
for text in sys.argv[1].split(','):
    name, rest = text.split('=', 1)
    kind, at = rest.split(':', 1)
    names.append(name)
    numbers.append(opened(kind, words[words.index('-' + '-' + at[1:]) + 1] if at.startswith('@') else at))
# Out of the way first: a number that is wanted may be taken.
high = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in numbers]
for at, number in enumerate(high):
    os.dup2(number, 3 + at, inheritable=True)
    os.close(number)
own = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=':'.join(names))
os.execvpe(words[0], words, own)
