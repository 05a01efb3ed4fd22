"""Litestream replicates a store while a program writes to it. What comes back must be a store of one moment, sound to the last
transaction of it, and lack no more than what was acknowledged within the last seconds.

Each round: a new store, Litestream beside it, a writer that counts up and reads each acknowledgement; after a random time both are
killed with SIGKILL, as when a machine is lost. The replica is restored elsewhere, `annals verify` proves it, and the count tells what is
missing. One round more has Litestream killed alone and started again, and stops both in order: nothing may be missing then.
The control: Litestream that syncs once an hour. If nothing is missing then either, the count does not work, and the test fails.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ANNALS, TOOLS, TARGETS = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SEED = int(os.environ.get("SEED", "1"))
SYNC_SECONDS = 1.0
# A second passes until Litestream looks at the store, and one until it syncs; what is beyond is the time that a sync takes on a busy machine.
LIMIT_SECONDS = 10.0
BUCKET = "annals"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


def annals(store, *arguments):
    ran = subprocess.run([ANNALS, "--db", store, *arguments], capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"annals {' '.join(arguments)} on {store} failed with {ran.returncode}: {ran.stderr}")
    return ran.stdout


class Writer:
    """Counts up in one store, and notes when each number was acknowledged."""

    def __init__(self, store):
        pipe = subprocess.PIPE
        self.program = subprocess.Popen([ANNALS, "--db", store, "shell"], stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self.acknowledged = []

    def write_until(self, deadline):
        while time.monotonic() < deadline:
            number = len(self.acknowledged) + 1
            text = "x" * 200
            self.program.stdin.write(f'[{{:db/ident :counter :counter/n {number}}} {{:counter/note "{number} {text}"}}]\n')
            if '"t":' not in self.program.stdout.readline():
                sys.exit(f"transaction {number} was not acknowledged")
            self.acknowledged.append(time.monotonic())

    def kill(self):
        self.program.kill()
        self.program.wait()

    def finish(self):
        self.program.stdin.close()
        self.program.wait()


class Litestream:
    """The real program, with one store and one replica."""

    def __init__(self, folder, store, replica, sync):
        self.configuration = folder / "litestream.yml"
        settings = {"dbs": [{"path": str(store), "replica": {**replica, "sync-interval": sync}}]}
        self.configuration.write_text(json.dumps(settings))  # JSON is YAML
        self.log = folder / "litestream.log"
        self.store, self.program = store, None

    def start(self):
        command = [TOOLS / "litestream", "replicate", "-config", self.configuration]
        self.program = subprocess.Popen(command, stdout=self.log.open("a"), stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while "replicating to" not in self.log.read_text():
            if time.monotonic() > deadline:
                sys.exit(f"Litestream does not come up: {self.log.read_text()}")
            time.sleep(0.05)
        return self

    def kill(self):
        self.program.kill()
        self.program.wait()

    def stop(self):
        self.program.send_signal(signal.SIGTERM)
        self.program.wait(timeout=60)

    def restore(self, out):
        command = [TOOLS / "litestream", "restore", "-config", self.configuration, "-o", out, self.store]
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode != 0 or not out.exists():
            return False
        return True


class Directory:
    name = "directory"

    def replica(self, folder):
        return {"type": "file", "path": str(folder / "replica")}

    def close(self):
        pass


class S3:
    name = "s3"

    def __init__(self):
        import boto3

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [TOOLS / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if time.monotonic() > deadline:
                sys.exit("the S3 service does not come up")
            time.sleep(0.1)
        boto3.client("s3", endpoint_url=self.endpoint).create_bucket(Bucket=BUCKET)

    def replica(self, folder):
        where = {"type": "s3", "bucket": BUCKET, "path": folder.name, "endpoint": self.endpoint}
        return {**where, "region": "us-east-1", "force-path-style": True}

    def close(self):
        self.server.kill()
        self.server.wait()


def restored(litestream, folder, acknowledged):
    """How many numbers a restore has; each store that comes back must be sound, and count without a gap."""
    out = folder / "restored.db"
    out.unlink(missing_ok=True)
    if not litestream.restore(out):
        return 0
    verified = json.loads(annals(out, "verify"))
    notes = json.loads(annals(out, "q", "--format", "json", "[:find [?n ...] :where [_ :counter/note ?n]]"))
    count = json.loads(annals(out, "q", "--format", "json", "[:find ?n . :where [:counter :counter/n ?n]]") or "null") or 0
    numbers = sorted(int(note.split()[0]) for note in notes)
    if numbers != list(range(1, count + 1)):
        sys.exit(f"the restored store is no prefix: it counts to {count} and has {len(numbers)} notes")
    if verified["transactions"] > acknowledged + 2:
        sys.exit(f"the restored store has {verified['transactions']} transactions, {acknowledged} were acknowledged")
    return count


def lost(writer, count):
    """How many acknowledged numbers are missing, and for how long they had been acknowledged."""
    times = writer.acknowledged
    return len(times) - count, (times[-1] - times[count] if count < len(times) else 0.0)


def round_of(target, dice, sync):
    """A machine is lost: writer and Litestream die at once."""
    with tempfile.TemporaryDirectory(prefix="annals-") as name:
        folder = Path(name)
        store = folder / "annals.db"
        annals(store, "init")
        litestream = Litestream(folder, store, target.replica(folder), sync).start()
        writer = Writer(store)
        writer.write_until(time.monotonic() + dice.uniform(3, 7))
        litestream.kill()
        writer.kill()
        return len(writer.acknowledged), *lost(writer, restored(litestream, folder, len(writer.acknowledged)))


def interrupted(target, dice):
    """Litestream alone dies and comes again, the writer goes on, both end in order: nothing is missing."""
    with tempfile.TemporaryDirectory(prefix="annals-") as name:
        folder = Path(name)
        store = folder / "annals.db"
        annals(store, "init")
        litestream = Litestream(folder, store, target.replica(folder), "1s").start()
        writer = Writer(store)
        writer.write_until(time.monotonic() + dice.uniform(1, 3))
        litestream.kill()
        writer.write_until(time.monotonic() + dice.uniform(1, 3))
        # The last to close a store folds the write-ahead log into it: Litestream must notice that it missed something.
        writer.finish()
        again = Writer(store)
        again.acknowledged = writer.acknowledged
        litestream.start()
        again.write_until(time.monotonic() + dice.uniform(1, 3))
        again.finish()
        time.sleep(2 * SYNC_SECONDS)
        litestream.stop()
        missing, _ = lost(again, restored(litestream, folder, len(again.acknowledged)))
        annals(store, "verify")
        return len(again.acknowledged), missing


def attack(target, dice):
    worst_count, worst_seconds, written = 0, 0.0, 0
    for _ in range(ROUNDS):
        acknowledged, count, seconds = round_of(target, dice, "1s")
        print(f"  {acknowledged} acknowledged, {count} lost, of the last {seconds:.2f} s", flush=True)
        worst_count, worst_seconds, written = max(worst_count, count), max(worst_seconds, seconds), written + acknowledged
    acknowledged, missing = interrupted(target, dice)
    _, control, _ = round_of(target, dice, "1h")
    print(
        f"{target.name}: {ROUNDS} rounds, {written} acknowledged; at most {worst_count} lost, acknowledged in the last {worst_seconds:.2f} s;"
        f" after both ended in order {missing} of {acknowledged} lost; control, syncing once an hour: {control} lost",
        flush=True,
    )
    failures = []
    if worst_seconds > LIMIT_SECONDS:
        failures.append(f"more than {LIMIT_SECONDS} s were lost")
    if missing:
        failures.append("something was lost although both ended in order")
    if control == 0:
        failures.append("the control lost nothing: the count does not work")
    return failures


def main():
    os.environ.update(KEYS)
    # Nothing here leaves the machine, so certificates and proxies of the machine do not matter.
    os.environ.pop("AWS_CA_BUNDLE", None)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    os.umask(0o077)
    started, failures = time.monotonic(), []
    print(f"SEED={SEED} ROUNDS={ROUNDS}, Litestream {subprocess.check_output([TOOLS / 'litestream', 'version'], text=True).strip()}")
    for kind in TARGETS:
        target = {"directory": Directory, "s3": S3}[kind]()
        try:
            failures += [f"{kind}: {failure}" for failure in attack(target, random.Random(SEED))]
        finally:
            target.close()
    print(f"took {time.monotonic() - started:.0f} s")
    if failures:
        sys.exit("failed: " + "; ".join(failures))


main()
