"""A run's figures for people."""


def seconds(value):
    return "-" if value is None else f"{value:.1f} s"


def rows(stage, figures):
    """(name, value) of what a run is told by."""
    report, history = figures.report, stage.history
    yield "faults injected", sum(history.kinds.values())
    for kind, count in sorted(history.kinds.items()):
        yield f"  {kind}", count
    if history.failed:
        yield "faults that could not be done", len(history.failed)
    yield "processes that ended by themselves, and were started again", sum(len(s.ended) for s in stage.fleet.slots.values())
    yield "records in", report.inputs
    yield "  passed", report.passed
    yield "  rejected", sum(report.rejected.values())
    yield "  dropped", report.dropped
    yield "letters replayed", report.replayed
    yield "runs of the replay", stage.replayer.runs
    yield "transactions committed", figures.committed
    yield "transactions aborted", figures.aborted
    stall, begun = figures.gap
    yield "longest stall of the pipeline", f"{seconds(stall)} (from {seconds(begun)} on)"
    wait, partition, begun = figures.wait
    yield "longest wait of a partition", f"{seconds(wait)} (partition {partition}, from {seconds(begun)} on)"
    yield "next commit after the last fault", seconds(figures.resumed)
    yield "all done that was there at the last fault, after", seconds(figures.caught_up)


def text(stage, figures):
    lines = []
    if figures is not None:
        table = [(name, f"{value:,}" if isinstance(value, int) else value) for name, value in rows(stage, figures)]
        width = max(len(name) for name, _ in table)
        lines += [f"{name:<{width}}  {value}" for name, value in table]
    lines += [f"could not be done: {each}" for each in stage.history.failed]
    lines += [f"VIOLATION: {each}" for each in stage.history.violations]
    return "\n".join(lines)
