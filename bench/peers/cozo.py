"""Cozo through its Python package, in memory: people as a wide relation with indexes, each question asked in rounds."""

import json
import statistics
import sys
import time

sys.path.insert(0, sys.argv[1])

from cozo_embedded import CozoDbPy  # noqa: E402

QUESTIONS = {
    "q1 name =": "?[id] := *person:by_name{name: 'Ivan', id}",
    "q2 + age": "?[id, age] := *person:by_name{name: 'Ivan', age, id}",
    "q2 clauses switched": "?[id, age] := *person:by_name{age, id, name}, name = 'Ivan'",
    "q3 + sex": "?[id, age] := *person:by_name{name: 'Ivan', sex: 'male', age, id}",
    "q4 four clauses": "?[id, last_name, age] := *person:by_name{name: 'Ivan', sex: 'male', age, last_name, id}",
    "qpred salary >": "?[id, salary] := *person:by_salary{salary, id}, salary > 50000",
    "qcount": "?[count(id)] := *person:by_name{name: 'Ivan', id}",
    "qgroup avg, count by": "?[sex, mean(salary), count(id)] := *person:by_sex{sex, salary, id}",
    "qvaljoin": """?[a, b] := *person:by_name_age{name: 'Ivan', age: 30, last_name, id: a},
                   *person:by_name_age{name: 'Oleg', age: 30, last_name, id: b}""",
    "qvaljoin by salary": "?[a, b] := *person{id: a, name: 'Ivan', salary}, *person:by_salary{salary, name: 'Oleg', id: b}",
    "qnot": "?[id] := *person:by_name{name: 'Ivan', sex, id}, sex != 'male'",
    "qor": "?[id] := *person:by_name{name: 'Ivan', id} or *person:by_age{age: 10, id}",
    "qpoint by identity": "?[age] := *person:by_code{code: 'P0001234', age}",
    "big value join": """?[a, b] := *person:by_name{name: 'Ivan', sex: 'male', last_name, age, id: a},
                         *person:by_name_age{name: 'Oleg', age, last_name, id: b}""",
}
INDEXES = [
    "by_name {name, sex, age, last_name}",
    "by_name_age {name, age, last_name}",
    "by_salary {salary, name}",
    "by_sex {sex, salary}",
    "by_age {age}",
    "by_code {code, age}",
]

# A question that takes long is asked less often.
PATIENCE_SECONDS = 3
with open(sys.argv[2], encoding="utf-8") as file:
    work = json.load(file)
db = CozoDbPy("mem", "", "{}")


def run(script, parameters=None):
    return db.run_script(script, parameters or {}, False)


run(":create person {id: Int => name: String, last_name: String, sex: String, age: Int, salary: Int, code: String}")
rows = [[at, *person] for at, person in enumerate(work["people"])]
run("?[id, name, last_name, sex, age, salary, code] <- $rows :put person {id => name, last_name, sex, age, salary, code}", {"rows": rows})
for index in INDEXES:
    run(f"::index create person:{index}")
for question in work["questions"]:
    try:
        script = QUESTIONS[question["name"]]
        times = []
        until = time.perf_counter() + PATIENCE_SECONDS
        for turn in range(work["rounds"] + 3):
            start = time.perf_counter()
            if turn > 0 and start > until:
                break
            found = run(script)
            times.append((time.perf_counter() - start) * 1e3)
        reply = {"name": question["name"], "ms": statistics.median(times[min(3, len(times) - 1) :]), "rows": len(found["rows"])}
    except Exception as error:  # whatever the engine throws is its answer
        reply = {"name": question["name"], "error": str(error).splitlines()[0] if str(error) else type(error).__name__}
    print(json.dumps(reply), flush=True)
