"""Apache Avro's own library as a judge of schema resolution (Resolver.java)."""

import subprocess
from pathlib import Path

from .processes import spawn
from .registry import home

JVM = "-Xmx256m -XX:+UseSerialGC -XX:-UsePerfData".split()
JARS = ("org.apache.avro.avro", "com.fasterxml.jackson.core.jackson-*", "org.slf4j.slf4j-api", "org.apache.commons.*")


PAIRS_OF_A_PROCESS = 5000  # The library remembers every pair of schemas that it ever resolved.


class Resolver:
    """A Java process, and then another. The library is the one that the registry of script/setup brings along."""

    def __init__(self):
        self._start()

    def _start(self):
        self._pairs = 0
        jars = [str(path) for name in JARS for path in (home() / "lib/main").glob(f"{name}-*.jar")]
        argv = ["java", *JVM, "-cp", ":".join(jars), Path(__file__).with_name("Resolver.java")]
        self._process = spawn(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def read(self, writer, reader, values):
        """What each value becomes: hexadecimal digits and Avro's JSON, or (None, why) for those that it refuses. The
        schemas are texts, the values hexadecimal digits."""
        self._pairs += 1
        if self._pairs > PAIRS_OF_A_PROCESS:
            self.close()
            self._start()
        lines = [f"P\t{writer}\t{reader}", *(f"V\t{value}" for value in values)]
        self._process.stdin.write("\n".join(lines) + "\n")
        self._process.stdin.flush()
        answers = [self._process.stdout.readline() for _ in lines]
        if not answers[-1]:
            raise RuntimeError(f"the Java resolver ended with status {self._process.wait()}")
        first, *rest = (answer.rstrip("\n") for answer in answers)
        if first != "ok":
            rest = [first] * len(values)
        return [(None, answer) if answer.startswith("X") else tuple(answer.split("\t")) for answer in rest]

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=20)
