"""Run README's commands in a fresh Debian, as an ordinary user. For maintainers, on Linux, as root.

sudo python tools/fresh_debian.py SUITE [COMMAND ...]

    sudo python tools/fresh_debian.py trixie
    sudo python tools/fresh_debian.py sid python3 start.py test -n 0 notebooks/03_pool.ipynb

The first use of a SUITE makes that system with debootstrap in a folder below /var/tmp, from the
mirror of this machine, with nothing but the packages that the course names. Later uses take the
same system; delete its folder to have it made anew. The course is what is committed here: a clone
in the home of the user `student`, made anew each time.

Without a COMMAND both of README's are run: start.py, until JupyterLab answers, then the tests.
No process of the system outlives this program. The exit code is that of the last command.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYSTEMS = Path("/var/tmp/plain-sight-debian")

PACKAGES = "ca-certificates python3 python3-venv bind9-dnsutils chromium git"
"""What README and .ci/run name, and git, which brings the course."""

CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
"""Where Debian keeps what a program must trust to reach a package index through this network."""

NETWORK = ("PIP_INDEX_URL", "PIP_CERT", "PIP_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""The variables that lead from this machine to a package index. The user there has them, too."""

COMMANDS = """\
python3 start.py --no-browser --port 9411 > jupyter.txt 2>&1 &
page=http://localhost:9411/login
until python3 -c "import urllib.request as web; web.urlopen('$page')" 2> tries.txt
do kill -0 $! || { cat jupyter.txt; exit 1; }; sleep 1; done
echo JupyterLab answers; kill $!; wait $!
python3 start.py test
"""
"""Both commands of README: the first until JupyterLab answers, then the tests."""


def main(arguments: list[str]) -> int:
    """Make the system where it is missing, bring the course there and run the commands."""
    if not arguments or arguments[0].startswith("-"):
        print(__doc__.strip())
        return 2
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("debootstrap"):
        print("This needs Linux, root's rights, and the package debootstrap.")
        return 2
    suite, *words = arguments
    system = SYSTEMS / suite
    if not system.exists():
        make_system(system)
    bring_course(system)
    commands = shlex.join(words) if words else COMMANDS
    return run_inside(system, as_student(f"cd course; python3 --version; {commands}")).returncode


def make_system(system: Path) -> None:
    """Make the system with its packages and its user. One that is not complete is made anew."""
    began = system.with_name(f"{system.name}-began")
    shutil.rmtree(began, ignore_errors=True)
    began.mkdir(parents=True)
    subprocess.run(["debootstrap", "--variant=minbase", system.name, began, mirror()], check=True)
    run_inside(
        began, f"apt-get install --yes --no-install-recommends {PACKAGES}"
    ).check_returncode()
    run_inside(began, "useradd --create-home student").check_returncode()
    shutil.copy("/" / CERTIFICATES, began / CERTIFICATES)
    began.rename(system)


def mirror() -> str:
    """Return the address from which this machine has its own Debian packages."""
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    sites = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return next(site for site in sites.splitlines() if site.endswith("/debian"))


def bring_course(system: Path) -> None:
    """Clone what is committed here into the user's home, in place of an earlier clone."""
    course = system / "home/student/course"
    shutil.rmtree(course, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, course], check=True)
    run_inside(system, "chown --recursive student: /home/student").check_returncode()


def as_student(commands: str) -> str:
    """Return the command that runs these as the user, in a login of its own."""
    kept = ",".join(name for name in NETWORK if name in os.environ)
    keep = f"--whitelist-environment {kept} " if kept else ""
    return f"runuser {keep}--login student --command {shlex.quote(commands)}"


def run_inside(system: Path, command: str) -> subprocess.CompletedProcess:
    """Run a shell command as root in the system, with processes and mounts of its own."""
    shutil.copy("/etc/resolv.conf", system / "etc/resolv.conf")
    script = f"""\
        mount -t proc proc {system}/proc &&
        mount --rbind /dev {system}/dev &&
        mount -t tmpfs -o mode=1777 shm {system}/dev/shm &&
        export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
        exec chroot {system} sh -c {shlex.quote(command)}
        """
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    return subprocess.run([*own, "sh", "-c", script])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
