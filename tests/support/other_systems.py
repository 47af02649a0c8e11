"""Windows and macOS as our modules see them, on Linux: what each lacks, and what Windows refuses of files.

`pretend()` is called before anything of ours is imported. Modules of other packages, and Python's own, go on
as they are; only where cifar_core, demo or tests import something do they get what the other system would
give them. On Windows a file that is open in this process cannot be renamed, replaced or removed by anybody,
nor can a folder that holds one be renamed.
"""

import builtins
import errno
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

OURS = ("cifar_core", "demo", "tests", "__main__")
NO_MODULES = {
    "windows": ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"),
    "macos": (),
}
NOT_ON_MACOS = {
    "os": (
        *("O_DIRECT", "O_TMPFILE", "copy_file_range", "eventfd", "getrandom", "memfd_create"),
        *("posix_fadvise", "posix_fallocate", "sched_getaffinity", "sched_setaffinity", "splice"),
    ),
    "signal": ("SIGPWR", "SIGRTMAX", "SIGRTMIN", "sigtimedwait", "sigwaitinfo"),
    "select": ("epoll",),
    "time": ("pthread_getcpuclockid",),
}
NOT_ON_WINDOWS = {
    "os": (
        *(
            "EX_OK",
            "O_CLOEXEC",
            "O_DIRECTORY",
            "O_NOFOLLOW",
            "O_NONBLOCK",
            "WNOHANG",
            "chown",
            "fchown",
            "fork",
        ),
        *(
            "forkpty",
            "getegid",
            "geteuid",
            "getgid",
            "getgroups",
            "getloadavg",
            "getpgid",
            "getsid",
            "getuid",
        ),
        *("killpg", "lchown", "mkfifo", "mknod", "nice", "pread", "pwrite", "register_at_fork", "setpgid"),
        *("setsid", "setuid", "statvfs", "sync", "sysconf", "uname", "wait", "wait3", "wait4"),
        *NOT_ON_MACOS["os"],
    ),
    "signal": (
        *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGTSTP"),
        *("SIGUSR1", "SIGUSR2", "SIGWINCH", "SIG_BLOCK", "SIG_SETMASK", "SIG_UNBLOCK", "alarm", "pause"),
        *("pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigwait", *NOT_ON_MACOS["signal"]),
    ),
    "socket": ("AF_UNIX", "SO_REUSEPORT", "recv_fds", "send_fds"),
    "select": ("epoll", "poll"),
    "time": ("clock_gettime", "tzset", *NOT_ON_MACOS["time"]),
}
LACKS = {"windows": NOT_ON_WINDOWS, "macos": NOT_ON_MACOS}
SAYS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "windows": {"os": {"name": "nt"}, "sys": {"platform": "win32"}},
    "macos": {"sys": {"platform": "darwin"}},
}
NO_NAME = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
_HERE = globals()


class Seen(ModuleType):
    """A module without what `lacks` names, and with what `says` says; what is set here is set there too."""

    def __init__(self, real: ModuleType, lacks: Sequence[str], says: Mapping[str, str]) -> None:
        super().__init__(real.__name__)
        known = {name: value for name, value in vars(real).items() if name not in lacks}
        self.__dict__.update(known | says, real_=real)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.real_, name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.real_, name)
        super().__delattr__(name)


def pretend(system: str) -> None:
    """Show our modules "windows" or "macos" from now on, in this process and for good."""
    real_import, lacks, says = builtins.__import__, LACKS[system], SAYS[system]
    seen = {
        name: Seen(real_import(name), lacks.get(name, ()), says.get(name, {})) for name in {*lacks, *says}
    }

    def imported(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level or not _is_ours(globals or {}):
            return real_import(name, globals, locals, fromlist, level)
        if name in NO_MODULES[system]:
            raise ModuleNotFoundError(f"No module named '{name}' on that system", name=name)
        return seen.get(name) or real_import(name, globals, locals, fromlist, level)

    builtins.__import__ = imported
    sys.addaudithook(_without_proc)
    if system == "windows":
        sys.addaudithook(_as_windows)


def _is_ours(globals: Mapping[str, Any]) -> bool:
    return globals is not _HERE and str(globals.get("__name__")).partition(".")[0] in OURS


def _without_proc(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise FileNotFoundError where a module of ours, or pathlib for it, opens what Linux alone has."""
    if event != "open" or not str(arguments[0]).startswith(("/proc/", "/sys/")):
        return
    frame: FrameType | None = sys._getframe(1)
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] in ("pathlib", "io"):
        frame = frame.f_back
    if frame and _is_ours(frame.f_globals):
        raise FileNotFoundError(errno.ENOENT, "not on that system", str(arguments[0]))


def _as_windows(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise PermissionError for a file in use, OSError for a name that no file can have."""
    if event not in ("open", "os.mkdir", "os.rename", "os.remove") or isinstance(arguments[0], int):
        return
    target = Path(os.fsdecode(arguments[1 if event == "os.rename" else 0]))
    if event == "open" and not arguments[2] & os.O_CREAT:
        return
    if event != "os.remove" and NO_NAME.search(target.name):
        raise OSError(errno.EINVAL, "no name for a file", str(target))
    if event in ("os.rename", "os.remove"):
        places = {_absolute(path, arguments[-1]) for path in (arguments[0], target)}
        for file in _open_files():
            if any(file == place or file.startswith(place + os.sep) for place in places):
                raise PermissionError(errno.EACCES, f"in use: {file}", str(target))


def _absolute(path: "str | bytes | os.PathLike[str]", folder: int) -> str:
    """The whole path; `folder` is a descriptor, or -1 where the path says all."""
    above = os.getcwd() if folder < 0 else os.readlink(f"/proc/self/fd/{folder}")
    return os.path.join(above, os.fsdecode(path))


def _open_files() -> Iterator[str]:
    """The files, not folders, that this process has open or mapped."""
    for number in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # closed meanwhile
            continue
        if os.path.isfile(path):
            yield path
    with open("/proc/self/maps", encoding="utf-8") as maps:
        yield from {line.split(maxsplit=5)[5].rstrip("\n") for line in maps if line.count("/")}
