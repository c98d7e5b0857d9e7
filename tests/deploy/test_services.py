"""The systemd unit and Supervisor's program: they run the same thing, let it end in time, and start it again."""

import shlex
from configparser import ConfigParser
from pathlib import Path

from bots.terminal import USAGE
from core.config import Settings
from tests.deploy.files import DEPLOY

SHUTDOWN_SECONDS: float = Settings.model_fields["shutdown_seconds"].default


def read(name: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / name).read_text(encoding="utf-8"))
    return parser


UNIT, PROGRAM = read("cartoonbot.service"), read("supervisor.conf")["program:cartoonbot"]
SERVICE = UNIT["Service"]


def test_both_run_the_same_program_in_the_same_folder_as_the_same_user():
    assert SERVICE["ExecStart"] == PROGRAM["command"] == "/opt/cartoonbot/.venv/bin/cartoonbot"
    assert SERVICE["WorkingDirectory"] == PROGRAM["directory"] == f"/var/lib/{SERVICE['StateDirectory']}"
    assert SERVICE["User"] == PROGRAM["user"] == "cartoonbot"


def test_a_stop_has_more_time_than_the_program_takes():
    assert float(SERVICE["TimeoutStopSec"]) > SHUTDOWN_SECONDS
    assert float(PROGRAM["stopwaitsecs"]) > SHUTDOWN_SECONDS
    assert PROGRAM["stopsignal"] == "TERM"


def test_what_ended_is_started_again_unless_a_setting_is_wrong():
    assert SERVICE["Restart"] == "always"
    assert UNIT["Unit"]["StartLimitIntervalSec"] == "0"
    assert SERVICE["RestartPreventExitStatus"] == str(USAGE)
    assert PROGRAM["autorestart"] == "true"


def test_data_can_be_written_and_the_rest_of_the_machine_cannot():
    assert SERVICE["ProtectSystem"] == "strict"
    assert SERVICE["UMask"] == "0077"
    assert SERVICE["NoNewPrivileges"] == "yes"
    # Either would take GPUs or PyTorch away.
    assert not {"PrivateDevices", "MemoryDenyWriteExecute"} & set(SERVICE)
    assert Path(SERVICE["WorkingDirectory"]).parts[:3] == ("/", "var", "lib")


def test_supervisors_log_does_not_grow():
    assert PROGRAM["redirect_stderr"] == "true"
    assert PROGRAM["stdout_logfile_maxbytes"].endswith("MB")
    assert int(PROGRAM["stdout_logfile_backups"]) > 0


def test_lines_come_at_once():
    assert "PYTHONUNBUFFERED=1" in shlex.split(SERVICE["Environment"])
    assert "PYTHONUNBUFFERED=1" in shlex.split(PROGRAM["environment"].replace(",", " "))
