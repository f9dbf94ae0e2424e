"""The table of the layer law, and whether the table itself keeps the law."""

from source import Finding

TABLE = "tests/tidy/layers.txt"
WORDS = ("apart", "pure")


class Layers:
    def __init__(self, tree):
        self.arrows, self.lines, self.findings = {}, {}, []
        self.words = {word: [] for word in WORDS}
        for line, left, right in tree.table("layers.txt"):
            self.lines[left] = line
            if left in WORDS:
                self.words[left] = right.split()
            elif left in self.arrows:
                self.findings.append(Finding(TABLE, line, f"room '{left}' has two lines: join them"))
            else:
                self.arrows[left] = right.split()
        self._expand()
        self._check_acyclic()
        self._check_apart()

    def _expand(self):
        for room, targets in self.arrows.items():
            if targets == ["*"]:
                self.arrows[room] = [other for other in self.arrows if other != room]
            for target in self.arrows[room]:
                if target not in self.arrows:
                    text = f"'{room}' points to '{target}', which has no line of its own"
                    self.findings.append(Finding(TABLE, self.lines[room], text))

    def reach(self, room):
        """Every room that can be reached from a room, by any number of arrows."""
        seen, todo = set(), [room]
        while todo:
            for target in self.arrows.get(todo.pop(), []):
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return seen

    def _check_acyclic(self):
        for room in self.arrows:
            if room in self.reach(room):
                text = f"'{room}' can reach itself: the table has a cycle, so some arrow must go"
                self.findings.append(Finding(TABLE, self.lines[room], text))

    def _check_apart(self):
        apart = self.words["apart"]
        for room in apart:
            for other in self.reach(room).intersection(apart) - {room}:
                text = f"'{room}' can reach '{other}', but the two must never meet: let cmd join them"
                self.findings.append(Finding(TABLE, self.lines[room], text))

    def allows(self, room, target):
        return room == target or target in self.arrows.get(room, [])
