#!/usr/bin/env python3
"""A Slurm cluster of pretended nodes on this machine, for tests that submit real batch jobs.

    cluster.py install          install the Debian packages that are missing (as root)
    cluster.py start [options]  write the configuration, start the daemons, wait until the nodes are idle
    cluster.py env              print the exports; use: eval "$(cluster.py env)"
    cluster.py crash NAME       end a daemon and all that runs under it, as a power cut would: n1, slurmctld, ...
    cluster.py up NAME          start it again
    cluster.py stop [--purge]   cancel all jobs and end the daemons; --purge deletes the folder

Everything lies in one folder (--folder, or $TEST_CLUSTER, or /tmp/test-cluster). The daemons are munge, slurmctld, one
slurmd per node, and slurmdbd over MariaDB for `sacct`; they run as the calling user and listen on 127.0.0.1 alone. GPUs
are pretended: jobs get CUDA_VISIBLE_DEVICES and no more. Partitions: `cpu`; `gpu`; `short`, with a limit of one minute;
`scavenger`, from which jobs of the partition `urgent` take the nodes. Needs nothing beside the standard library.
"""

import argparse
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PACKAGES = {  # program: Debian package
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sinfo": "slurm-client",
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
}
PATH = f"/usr/sbin:/usr/local/sbin:{os.environ.get('PATH', '/usr/bin:/bin')}"
CLIENTS = ("sacct", "sacctmgr", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun", "sstat")
PRETENDED_GPUS = ("/dev/null", "/dev/zero")  # Slurm only looks whether the device exists
PORTS = {"slurmctld": 0, "slurmdbd": 1, "mariadbd": 2}  # beyond the first; nodes follow from 10 on
USER = pwd.getpwuid(os.getuid()).pw_name


class ClusterError(Exception):
    """The cluster does not do what it should; the text says what and where to look."""


class Cluster:
    """The cluster of a folder, running or not."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder).resolve()
        self.etc, self.run, self.log = self.folder / "etc", self.folder / "run", self.folder / "log"
        self.options_file, self.processes_file = self.folder / "options.json", self.folder / "processes.json"

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which Slurm's commands talk to this cluster.

        The commands are wrapped, because srun inside a job is started without SLURM_CONF.
        """
        return {**os.environ, "PATH": f"{self.folder}/bin:{PATH}", "SLURM_CONF": f"{self.etc}/slurm.conf"}

    @property
    def options(self) -> dict:
        if not self.options_file.exists():
            raise ClusterError(f"{self.folder}: no cluster here; start one")
        return json.loads(self.options_file.read_text())

    @property
    def nodes(self) -> list[str]:
        return [f"n{number}" for number in range(1, self.options["nodes"] + 1)]

    @property
    def daemons(self) -> list[str]:
        """All daemons in the order in which they start."""
        return ["munged", "mariadbd", "slurmdbd", "slurmctld", *self.nodes]

    def command(self, *arguments: str, check: bool = True, timeout: float = 60) -> str:
        """Standard output of a command in the cluster's environment."""
        done = subprocess.run(arguments, env=self.environment, text=True, capture_output=True, timeout=timeout)
        if check and done.returncode:
            raise ClusterError(f"{' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def start(self, *, nodes: int = 3, cpus: int = 8, memory: int = 64000, port: int = 16817) -> None:
        """Start all daemons that do not run. Memory is in MB per node; neither it nor the CPUs need exist."""
        if missing := missing_packages():
            raise ClusterError(f"not installed: {', '.join(missing)}; run `{sys.argv[0]} install` as root")
        wanted = {"nodes": nodes, "cpus": cpus, "memory": memory, "port": port}
        if self._running():
            if self.options != wanted:
                raise ClusterError(f"{self.folder}: runs with other options {self.options}; stop it first")
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.options_file.write_text(json.dumps(wanted))
            self._configure()
        for name in self.daemons:
            self.up(name)
        wait_for("idle nodes", self._all_idle, 60)

    def stop(self, purge: bool = False) -> None:
        """Cancel all jobs and end all daemons."""
        if not self.options_file.exists():
            return
        if "slurmctld" in self._running():
            self.command("scancel", f"--user={USER}", check=False)
            with contextlib.suppress(ClusterError):
                wait_for("the end of all jobs", lambda: not self.command("squeue", "-h", check=False).strip(), 15)
        for name in reversed(self.daemons):
            self._end(name, signal.SIGTERM)
        kill(self._job_processes())
        if purge:
            shutil.rmtree(self.folder)

    def up(self, name: str) -> None:
        """Start one daemon, unless it runs."""
        if name not in self.daemons:
            raise ClusterError(f"no daemon is called {name}; there are {', '.join(self.daemons)}")
        if name in self._running():
            return
        if name == "munged":
            (self.run / "munge.socket").unlink(missing_ok=True)
        else:
            try:  # a helper of a killed slurmctld may hold it for a while
                wait_for("a free port", lambda: not port_answers(self._port(name)), 30)
            except ClusterError as error:
                raise ClusterError(f"port {self._port(name)} for {name} is taken; choose another --port") from error
        if name == "mariadbd" and not (self.folder / "database" / "mysql").exists():
            self._make_database()
        (self.folder / "spool" / name).mkdir(parents=True, exist_ok=True)
        output = self.log / f"{name}.log"
        with output.open("ab") as log:
            process = subprocess.Popen(
                self._command_of(name),
                env=self.environment,
                cwd=self.log,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        known = {**self._running(), name: process.pid}
        self.processes_file.write_text(json.dumps({n: [pid, start_time(pid)] for n, pid in known.items()}))
        wait_for(f"{name} (see {output})", lambda: self._answers(name) or process.poll() is not None, 60)
        if process.poll() is not None:
            raise ClusterError(f"{name} ended at once; see {output}")
        if name == "slurmdbd":
            for what in (["cluster", "test"], ["account", "lab"], ["user", USER, "account=lab"]):
                self.command("sacctmgr", "-i", "add", *what, check=False)

    def crash(self, name: str) -> None:
        """End a daemon by SIGKILL; a node takes along all jobs that run on it."""
        self._end(name, signal.SIGKILL)
        if name in self.nodes:
            kill(self._job_processes(name))

    def _end(self, name: str, number: signal.Signals) -> None:
        process = self._running().get(name)
        if process is None:
            return
        os.kill(process, number)
        try:
            wait_for(f"the end of {name}", lambda: name not in self._running(), 20)
        except ClusterError:
            kill([process])

    def _running(self) -> dict[str, int]:
        """Name -> process of the daemons that are still those that were started here."""
        if not self.processes_file.exists():
            return {}
        known = json.loads(self.processes_file.read_text())
        return {name: pid for name, (pid, start) in known.items() if start_time(pid) == start}

    def _all_idle(self) -> bool:
        states = self.command("sinfo", "-h", "-N", "-o", "%T", check=False).split()
        return bool(states) and set(states) <= {"idle", "mixed", "allocated"}

    def _answers(self, name: str) -> bool:
        return (self.run / "munge.socket").exists() if name == "munged" else port_answers(self._port(name))

    def _port(self, name: str) -> int:
        return self.options["port"] + (PORTS[name] if name in PORTS else 10 + int(name[1:]))

    def _job_processes(self, node: str | None = None) -> set[int]:
        """Step daemons of all jobs; of one node, also the processes of its jobs.

        slurmd leaves them running when it ends. They are known by their environment.
        """
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
                if f"SLURM_CONF={self.etc}/slurm.conf" not in environment:
                    continue
                if node is None and (folder / "comm").read_text().strip() == "slurmstepd":
                    found.add(int(folder.name))
                elif f"SLURMD_NODENAME={node}" in environment:
                    parent = Path("/proc", (folder / "stat").read_text().rpartition(")")[2].split()[1])
                    found.add(int(folder.name))
                    if (parent / "comm").read_text().strip() == "slurmstepd":
                        found.add(int(parent.name))
        return found

    def _command_of(self, name: str) -> list[str]:
        if name == "munged":
            files = {"key-file": self.etc / "munge.key", "socket": self.run / "munge.socket"}
            files |= {"pid-file": self.run / "munged.pid", "seed-file": self.run / "munged.seed"}
            files |= {"log-file": self.log / "munged.log"}
            return ["munged", "--foreground", "--force", *(f"--{key}={path}" for key, path in files.items())]
        if name == "mariadbd":
            return [
                "mariadbd",
                "--no-defaults",
                f"--user={USER}",
                f"--datadir={self.folder}/database",
                f"--tmpdir={self.run}",
                f"--socket={self.run}/mariadbd.socket",
                f"--pid-file={self.run}/mariadbd.pid",
                "--bind-address=127.0.0.1",
                f"--port={self._port(name)}",
                "--skip-name-resolve",
                f"--init-file={self.etc}/database.sql",
                "--innodb-buffer-pool-size=64M",
                "--innodb-lock-wait-timeout=900",  # slurmdbd asks for it
                "--innodb-flush-log-at-trx-commit=0",
                "--skip-log-bin",
            ]
        return [name, "-D"] if name in PORTS else ["slurmd", "-D", "-N", name]

    def _make_database(self) -> None:
        arguments = ["--no-defaults", f"--datadir={self.folder}/database", f"--user={USER}", "--skip-test-db"]
        # A server that starts removes the temporary tables of others that have the same folder for them.
        arguments.append(f"--tmpdir={self.run}")
        self.command("mariadb-install-db", *arguments, "--auth-root-authentication-method=normal", timeout=300)

    def _configure(self) -> None:
        for folder in (self.folder / "bin", self.etc, self.run, self.log, self.folder / "database"):
            folder.mkdir(parents=True, exist_ok=True)
        for name in CLIENTS:
            wrapper = self.folder / "bin" / name
            program = shutil.which(name, path=PATH)
            wrapper.write_text(f'#!/bin/sh\nexport SLURM_CONF={self.etc}/slurm.conf\nexec {program} "$@"\n')
            wrapper.chmod(0o755)
        write_secret(self.etc / "munge.key", os.urandom(128))
        write_secret(self.etc / "slurmdbd.conf", self._slurmdbd_conf().encode())
        (self.etc / "slurm.conf").write_text(self._slurm_conf())
        gpus = [f"NodeName={node} Name=gpu Type=fake File={path}" for node in self.nodes for path in PRETENDED_GPUS]
        (self.etc / "gres.conf").write_text("\n".join(["AutoDetect=off", *gpus, ""]))
        (self.etc / "database.sql").write_text(
            "CREATE USER IF NOT EXISTS 'slurm'@'127.0.0.1' IDENTIFIED BY 'slurm';\n"
            "GRANT ALL ON slurm_acct.* TO 'slurm'@'127.0.0.1';\n"
        )

    def _slurm_conf(self) -> str:
        host, nodes = socket.gethostname().split(".")[0], ",".join(self.nodes)
        size = f"CPUs={self.options['cpus']} RealMemory={self.options['memory']} Gres=gpu:fake:{len(PRETENDED_GPUS)}"
        return f"""\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={self._port("slurmctld")}
SlurmUser={USER}
SlurmdUser={USER}
AuthType=auth/munge
AuthInfo=socket={self.run}/munge.socket,cred_expire=10
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={self.folder}/spool/slurmctld
SlurmdSpoolDir={self.folder}/spool/%n
SlurmctldPidFile={self.run}/slurmctld.pid
SlurmdPidFile={self.run}/%n.pid
# One machine plays all nodes, without cgroups; so memory is watched by polling.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
# Short waits, so that a test of a fault takes no minutes; the ten seconds above are the pause before a job runs again.
SlurmctldTimeout=10
SlurmdTimeout=20
KillWait=5
ReturnToService=2
MinJobAge=300
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
JobRequeue=0
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={self._port("slurmdbd")}
AccountingStoragePass={self.run}/munge.socket
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations
{chr(10).join(f"NodeName={n} NodeHostname={host} NodeAddr=127.0.0.1 Port={self._port(n)} {size}" for n in self.nodes)}
PartitionName=DEFAULT Nodes={nodes} DefaultTime=10 MaxTime=1440 DefMemPerCPU=500 PriorityTier=10 PreemptMode=off
PartitionName=cpu Default=YES
PartitionName=gpu
PartitionName=short MaxTime=1 DefaultTime=1
PartitionName=scavenger PriorityTier=1 PreemptMode=requeue GraceTime=10
PartitionName=urgent PriorityTier=20
"""

    def _slurmdbd_conf(self) -> str:
        return f"""\
AuthType=auth/munge
AuthInfo=socket={self.run}/munge.socket,cred_expire=10
CommunicationParameters=NoInAddrAny
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={self._port("slurmdbd")}
SlurmUser={USER}
PidFile={self.run}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={self._port("mariadbd")}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct
"""


def wait_for(what: str, test: Callable[[], object], seconds: float, every: float = 0.2) -> None:
    """Wait until `test` gives something true. Raises ClusterError after `seconds`."""
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            raise ClusterError(f"waited {seconds:.0f} s for {what} in vain")
        time.sleep(every)


def port_answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def start_time(process: int) -> int | None:
    """When a live process began, in clock ticks, so that a number used again is not taken for it; None if it ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def kill(processes: Iterable[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def write_secret(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)


def missing_packages() -> list[str]:
    return sorted({package for program, package in PACKAGES.items() if not shutil.which(program, path=PATH)})


def install() -> None:
    """Install what is missing with apt-get."""
    packages = missing_packages()
    if not packages:
        return
    if "slurmdbd" in packages:
        packages.append("slurm-wlm-mysql-plugin")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", "update"], check=True, env=environment)
    command = ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=os.environ.get("TEST_CLUSTER", "/tmp/test-cluster"))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install")
    start = commands.add_parser("start")
    for option, default in (("nodes", 3), ("cpus", 8), ("memory", 64000), ("port", 16817)):
        start.add_argument(f"--{option}", type=int, default=default, help=f"default {default}")
    commands.add_parser("env")
    commands.add_parser("crash").add_argument("name")
    commands.add_parser("up").add_argument("name")
    commands.add_parser("stop").add_argument("--purge", action="store_true", help="delete the folder, too")
    options = vars(parser.parse_args())
    cluster, command = Cluster(options.pop("folder")), options.pop("command")
    if command == "install":
        install()
    elif command == "env":
        print(f"export SLURM_CONF={cluster.etc}/slurm.conf PATH={cluster.folder}/bin:$PATH")
    else:
        getattr(cluster, command)(**options)


if __name__ == "__main__":
    try:
        main()
    except ClusterError as error:
        sys.exit(f"Error: {error}")
