"""`start.py` and pip: which settings of the user reach it, and what is told when it gives up."""

import os
import sys
from pathlib import Path

import pytest

import start

RETRYING = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after"
    " connection broken by '{}': /simple/dnslib/\n"
)
NONE = (
    "ERROR: Could not find a version that satisfies the requirement dnslib (from versions: none)\n"
    "ERROR: No matching distribution found for dnslib\n"
)
NO_NETWORK = RETRYING.format(
    "NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f92f366f450>:"
    " Failed to establish a new connection: [Errno -2] Name or service not known')"
)
CERTIFICATE = RETRYING.format(
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify"
    " failed: self-signed certificate (_ssl.c:1006)'))"
)
PROXY = RETRYING.format(
    "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy"
    " Authentication Required'))"
)
NO_TLS = RETRYING.format(
    'SSLError("Can\'t connect to HTTPS URL because the SSL module is not available.")'
)
FAILED_BUILD = """Collecting errors-of-others
  error: subprocess-exited-with-error

  × Building wheel for small (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [2 lines of output]
      running build_ext
      error: command 'gcc' failed: No such file or directory
      see the manual
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
  ERROR: Failed building wheel for small
Failed to build small
ERROR: Could not build wheels for small, which is required to install pyproject.toml-based projects
"""
BUILD_WITHOUT_NETWORK = f"""  error: subprocess-exited-with-error

  × pip subprocess to install build dependencies did not run successfully.
  │ exit code: 1
  ╰─> [7 lines of output]
      {NO_NETWORK}
      ERROR: Could not find a version that satisfies setuptools>=77 (from versions: none)
      ERROR: No matching distribution found for setuptools>=77
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
"""
CONFLICT = """Collecting numpy~=2.0
ERROR: Cannot install numpy~=2.0 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested numpy~=2.0
    The user requested (constraint) numpy<2

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/
"""
BROKEN_DOWNLOAD = """Downloading numpy-2.0-py3-none-any.whl (15 MB)
ERROR: Exception:
Traceback (most recent call last):
  File "pip/_internal/cli/base_command.py", line 180, in exc_logging_wrapper
pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='files.example', \
port=443): Read timed out.
"""
OTHER_PYTHON = """ERROR: Ignored the following versions that require a different python version: \
3.11.0 Requires-Python >=3.11,<3.16
ERROR: Could not find a version that satisfies the requirement small~=3.11 (from versions: none)
"""
NO_LIBRARY = "ERROR: Exception:\nTraceback (most recent call last):\nImportError: no libffi\n"


@pytest.mark.parametrize(
    ("log", "advice", "words"),
    [
        (NO_NETWORK + NONE, "connect this computer", "dnslib (from versions: none)"),
        (CERTIFICATE + NONE, "set PIP_CERT", "certificate verify failed: self-signed"),
        (PROXY + NONE, "set HTTPS_PROXY", "407 Proxy Authentication Required"),
        (NO_TLS + NONE, "built without TLS", "SSL module is not available"),
        (BROKEN_DOWNLOAD, "connect this computer", "Read timed out"),
        (BUILD_WITHOUT_NETWORK, "connect this computer", "setuptools>=77 (from versions: none)"),
        (OTHER_PYTHON, "with another one", "Requires-Python >=3.11,<3.16"),
        ("ERROR: x: [Errno 28] No space left on device\n", "disk is full", "[Errno 28]"),
        ("ERROR: x: [Errno 122] Disk quota exceeded\n", "disk is full", "[Errno 122]"),
        (FAILED_BUILD, "Read", "packages: error: command 'gcc' failed: No such file"),
        (NO_NETWORK + FAILED_BUILD, "Read", "packages: error: command 'gcc' failed"),
        (PROXY + CONFLICT, "Read", "packages: ERROR: Cannot install numpy~=2.0 because"),
        (NO_LIBRARY, "Read", "packages: ImportError: no libffi. Read"),
        ("Collecting x\nERROR: x needs another Python.\nmore\n", "Read", "x needs another Python"),
        ("Killed\n", "Read", "Killed. Read"),
        ("", "Read", "it did not say why. Read"),
    ],
)
def test_the_reason_why_pip_gave_up_is_one_line_with_advice_and_pips_own_words(log, advice, words):
    told = start.explain(log)
    assert advice in told
    assert words in told
    assert "start again" in told
    assert str(start.LOG) in told
    assert "\n" not in told


def test_a_pip_that_was_killed_is_told_by_its_signal(monkeypatch):
    monkeypatch.setattr(start, "pip", lambda *command: -9)
    assert "Signal 9 ended pip" in start.install(start.PYTHON)


# --- the user's settings --------------------------------------------------------------------------


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """Set settings of pip, in its file and in the environment, and return what reaches pip."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)

    def set_them(file, **variables):
        (tmp_path / "pip.conf").write_text(file)
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        found = start.pip_environment(Path(sys.executable))
        assert found.pop("PIP_CONFIG_FILE") == os.devnull
        return {name: value for name, value in found.items() if name.startswith("PIP_")}

    return set_them


def test_settings_that_say_where_and_how_to_fetch_are_kept(settings):
    file = "[global]\nuser = true\nquiet = 3\ncert = /school.pem\n"
    file += "index-url = https://a.example/simple\n"
    kept = settings(file, PIP_PROXY="http://proxy:8080", PIP_TRUSTED_HOST="a.example b.example")
    assert kept.pop("PIP_INDEX_URL") == "https://a.example/simple"
    assert kept.pop("PIP_CERT") == "/school.pem"
    assert kept.pop("PIP_PROXY") == "http://proxy:8080"
    assert kept.pop("PIP_TRUSTED_HOST") == "a.example b.example"


def test_the_environment_has_the_last_word_and_the_section_of_install_goes_before_global(settings):
    file = "[global]\ncert = /a\nproxy = a:1\ntimeout = 1\n[install]\nproxy = b:1\ntimeout = 2\n"
    kept = settings(file, PIP_TIMEOUT="3")
    assert (kept["PIP_CERT"], kept["PIP_PROXY"], kept["PIP_TIMEOUT"]) == ("/a", "b:1", "3")


@pytest.mark.parametrize("option", ["user", "target", "prefix", "root", "require-hashes", "quiet"])
def test_settings_that_put_packages_elsewhere_or_stop_the_set_up_are_not(settings, option):
    name = "PIP_" + option.upper().replace("-", "_")
    value = "3" if option == "quiet" else "1"
    kept = settings(f"[install]\n{option} = {value}\nindex-url = https://a/\n", **{name: value})
    assert name not in kept
    assert kept["PIP_INDEX_URL"] == "https://a/"


def test_other_variables_reach_pip(settings, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://a:1")
    assert start.pip_environment(Path(sys.executable))["HTTPS_PROXY"] == "http://a:1"
