#include "engine/loop.h"

#include <stdlib.h>

#include "engine/job_process.h"
#include "engine/settle.h"
#include "sys/remedy.h"

/* How long an idle loop waits in one poll, and how long one poll of a growing batch. */
#define IDLE_POLL_MS   100
#define GATHER_POLL_MS 20
/* How long a look at the topics may block the loop. */
#define REFRESH_TIMEOUT_MS 3000
#define FIRST_NEXT         64

static int64_t now_ms(const struct loop *loop)
{
    return loop->parts.timer->ops->monotonic_ms(loop->parts.timer);
}

static bool stopping(const struct loop *loop)
{
    return atomic_load_explicit(&loop->parts.control->stop, memory_order_relaxed) != 0;
}

/* From the next batch on plans are made of these versions. */
static void use_edition(struct loop *loop)
{
    loop->edition = plans_number(loop->parts.plans);
    chain_use(&loop->chain, plans_edition(loop->parts.plans));
    breaker_rearm(&loop->breaker);
}

enum weir_err_code loop_init(struct loop *loop, const struct loop_parts *parts, struct weir_err *err)
{
    *loop = (struct loop){.parts = *parts, .state = LOOP_OPENING, .down = -1, .no_input = -1, .failing = -1};
    loop->hurried = atomic_load(&parts->control->hurry);
    holds_init(&loop->holds, parts->trouble, parts->source, parts->timer);
    chain_init(&loop->chain, &(struct chain_parts){parts->spec, parts->config_text, parts->outbox.version,
                                                   parts->source, parts->sink, parts->timer});
    breaker_init(&loop->breaker, parts->spec);
    use_edition(loop);
    return batch_init(&loop->batch, (size_t)parts->spec->transaction.max_records, err);
}

void loop_release(struct loop *loop)
{
    loop->parts.source->ops->stamp_free(loop->stamp);
    batch_release(&loop->batch, loop->parts.source);
    batch_free(&loop->batch);
    holds_release(&loop->holds);
    chain_release(&loop->chain);
    breaker_release(&loop->breaker);
    free(loop->next);
}

/* --- between two batches --- */

/* An input topic that does not exist (yet) is worth a word: the group waits for it in silence. */
static void watch_input(struct loop *loop)
{
    bool there = loop->parts.sink->ops->source_partitions(loop->parts.sink) > 0;
    if (there && loop->no_input >= 0) {
        trouble_leave(loop->parts.trouble, loop->no_input, now_ms(loop));
        loop->no_input = -1;
    } else if (!there && loop->no_input < 0) {
        struct weir_err why;
        (void)weir_fail(&why, WEIR_ERR_TOPIC_MISSING, "input topic %s does not exist, or may not be seen",
                        loop->parts.spec->core.input_topic);
        loop->no_input = trouble_join(loop->parts.trouble, &why, now_ms(loop));
    }
}

static bool same_target(const struct sink_target *a, const struct sink_target *b)
{
    return a->state == b->state && a->partitions == b->partitions &&
           a->max_message_bytes == b->max_message_bytes;
}

/* Looks at the topics when it is time. *news becomes true when one of them has changed: what waits for it
 * need not wait for its next try. */
static enum weir_err_code refresh(struct loop *loop, bool *news, struct weir_err *err)
{
    struct weir_err why = {0};
    struct sink *sink = loop->parts.sink;
    struct sink_target before[SINK_TOPICS];
    if (now_ms(loop) < loop->refresh_at_ms && loop->down < 0)
        return WEIR_OK;
    for (int i = 0; i < SINK_TOPICS; i++)
        before[i] = sink->ops->target(sink, (enum sink_topic)i);
    enum weir_err_code code = sink->ops->refresh(sink, REFRESH_TIMEOUT_MS, &why);
    if (weir_err_class(code) == WEIR_CLASS_FATAL) {
        *err = why;
        return code;
    }
    if (code != WEIR_OK) {
        settle_down(loop, &why);
        return WEIR_OK;
    }
    for (int i = 0; i < SINK_TOPICS; i++) {
        struct sink_target now = sink->ops->target(sink, (enum sink_topic)i);
        *news = *news || !same_target(&before[i], &now);
    }
    /* The topics may be seen while the group's coordinator is away. */
    if (!loop->poll_down)
        settle_up(loop);
    watch_input(loop);
    bool soon = loop->holds.n > 0 || loop->no_input >= 0;
    loop->refresh_at_ms = now_ms(loop) + (soon ? LOOP_REFRESH_SOON_MS : LOOP_REFRESH_MS);
    return WEIR_OK;
}

static enum weir_err_code tend(struct loop *loop, struct weir_err *err)
{
    unsigned asked = atomic_load_explicit(&loop->parts.control->hurry, memory_order_relaxed);
    bool hurry = asked != loop->hurried;
    loop->hurried = asked;
    if (hurry)
        loop->refresh_at_ms = now_ms(loop);
    enum weir_err_code code = plans_turn(loop->parts.plans, err);
    loop->parts.outbox.reader_version = edition_reader(plans_edition(loop->parts.plans))->version;
    if (plans_number(loop->parts.plans) != loop->edition) {
        use_edition(loop);
        hurry = true; /* what waits may go on with other plans */
    }
    if (code == WEIR_OK)
        code = refresh(loop, &hurry, err);
    if (code != WEIR_OK)
        return code;
    return holds_tend(&loop->holds, hurry, err);
}

/* --- a batch --- */

/* Records that were polled but cannot be taken into the batch: the source must have all back before it ends.
 */
static void give_back(struct loop *loop, size_t n)
{
    loop->parts.source->ops->release(loop->parts.source, loop->batch.landing, n);
}

/* Polls once into the batch. Errors of the WAIT kind are noted and the poll counts as empty. */
static enum weir_err_code poll_once(struct loop *loop, int timeout_ms, size_t max, size_t *n,
                                    struct weir_err *err)
{
    struct weir_err why = {0};
    *n = 0;
    enum weir_err_code code = loop->parts.source->ops->poll(loop->parts.source, timeout_ms, max,
                                                            &loop->batch.heap, loop->batch.landing, n, &why);
    if (weir_err_class(code) == WEIR_CLASS_FATAL) {
        give_back(loop, *n);
        *err = why;
        return code;
    }
    settle_note_expired(loop, &why);
    loop->poll_down = code == WEIR_ERR_BROKER_DOWN;
    /* Trouble with the input topic itself shows in the next look at the topics, which also tells when it is
     * over. */
    if (loop->poll_down)
        settle_down(loop, &why);
    else if (code != WEIR_OK)
        loop->refresh_at_ms = now_ms(loop);
    code = batch_take(&loop->batch, *n, err);
    if (code != WEIR_OK)
        give_back(loop, *n);
    return code;
}

/*
 * All that is pure, of the records that came last: while they are in the processor's cache, and while there
 * is nothing to do but wait for more.
 */
static enum weir_err_code process(struct loop *loop, struct weir_err *err)
{
    struct batch *batch = &loop->batch;
    struct weir_err why = {0};
    size_t opened = 0;
    int64_t wall_ms = loop->parts.timer->ops->wall_ms(loop->parts.timer);
    enum weir_err_code code =
        job_process(batch, loop->parts.plans, loop->parts.spec->core.input_format, wall_ms, &why);
    if (code == WEIR_OK)
        code = outbox_fill(&loop->parts.outbox, batch, wall_ms, &why);
    if (code == WEIR_OK)
        code = breaker_judge(&loop->breaker, batch, now_ms(loop), &opened, &why);
    if (code != WEIR_OK)
        return settle_unsent(loop, &why, err);
    if (opened > 0)
        counters_add(loop->parts.counters, COUNTER_BREAKER_OPENED, opened);
    batch_processed(batch, loop->parts.source);
    return WEIR_OK;
}

/* One poll, and what can be done with what it brings. A batch that cannot be gone on with is empty
 * afterwards. */
static enum weir_err_code add(struct loop *loop, int timeout_ms, size_t max, struct weir_err *err)
{
    size_t n = 0;
    enum weir_err_code code = poll_once(loop, timeout_ms, max, &n, err);
    return code == WEIR_OK && n > 0 ? process(loop, err) : code;
}

/*
 * Fills the batch up to its bounds in count, bytes and time. The interval is counted from the end of the last
 * gathering, so that the commit is part of it: a record waits for one interval and one commit at most, and
 * after a pause for the commit only. What is there already when the interval is over still belongs to the
 * batch, up to an interval from its first record: else a slow commit would make small batches of a backlog.
 */
static enum weir_err_code gather(struct loop *loop, struct weir_err *err)
{
    struct batch *batch = &loop->batch;
    int64_t interval_ms = loop->parts.spec->transaction.interval_ms;
    size_t max_bytes = (size_t)loop->parts.spec->transaction.max_bytes;
    enum weir_err_code code = add(loop, IDLE_POLL_MS, 1, err);
    int64_t last_ms = now_ms(loop) + interval_ms;
    int64_t due_ms = loop->gathered_ms + interval_ms;
    while (code == WEIR_OK && batch->n > 0 && batch->n < batch->cap && batch->bytes < max_bytes &&
           !stopping(loop)) {
        int64_t now = now_ms(loop);
        int64_t left = due_ms > now ? due_ms - now : 0;
        size_t before = batch->n;
        if (now >= last_ms)
            break;
        code = add(loop, left < GATHER_POLL_MS ? (int)left : GATHER_POLL_MS, batch->cap - before, err);
        if (left == 0 && batch->n == before)
            break;
    }
    if (batch->n > 0)
        loop->gathered_ms = now_ms(loop);
    return code;
}

/* Fixes what the batch is: which runs are still ours, and the membership under which it will be committed. */
static enum weir_err_code seal(struct loop *loop, struct weir_err *err)
{
    struct batch *batch = &loop->batch;
    for (size_t i = 0; i < batch->n_runs; i++) {
        struct batch_run *run = &batch->runs[i];
        run->gone =
            run->gone || !loop->parts.source->ops->owns(loop->parts.source, run->partition, run->epoch);
    }
    if (batch->n_runs > loop->cap_next) {
        size_t cap = batch->n_runs > FIRST_NEXT ? batch->n_runs * 2 : FIRST_NEXT;
        struct position *next = realloc(loop->next, cap * sizeof *next);
        if (!next)
            return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the offsets of a batch");
        loop->next = next;
        loop->cap_next = cap;
    }
    return loop->parts.source->ops->stamp(loop->parts.source, &loop->stamp, err);
}

/* What seal is there to prevent: a membership that may be fresher than the batch. */
static enum weir_err_code stamp_anew(struct loop *loop, struct weir_err *err)
{
    loop->parts.source->ops->stamp_free(loop->stamp);
    loop->stamp = NULL;
    return loop->parts.source->ops->stamp(loop->parts.source, &loop->stamp, err);
}

/* Begins, sends and commits. */
static enum weir_err_code write_out(struct loop *loop, size_t n_next, struct weir_err *err)
{
    struct sink *sink = loop->parts.sink;
    enum weir_err_code code = chain_open(&loop->chain, &loop->batch, err);
    if (code == WEIR_OK)
        code = sink->ops->begin(sink, err);
    for (size_t i = 0; i < loop->batch.n && code == WEIR_OK; i++) {
        const struct batch_item *item = &loop->batch.items[i];
        if (!batch_live(&loop->batch, item))
            continue;
        code = chain_add(&loop->chain, item, err);
        if (code == WEIR_OK && item->outcome.verdict != WEIR_DROP)
            code = sink->ops->send(sink, &item->out, err);
    }
    if (code == WEIR_OK && !remedy_on(REMEDY_SEALED_STAMP))
        code = stamp_anew(loop, err);
    if (code == WEIR_OK)
        code = chain_send(&loop->chain, err);
    if (code == WEIR_OK)
        code = sink->ops->commit(sink, loop->stamp, loop->next, n_next, settle_deadline_ms(loop), err);
    if (code == WEIR_OK)
        counters_add(loop->parts.counters, COUNTER_TRANSACTIONS_COMMITTED, 1);
    return code;
}

static enum weir_err_code run_batch(struct loop *loop, struct weir_err *err)
{
    struct weir_err why = {0};
    breaker_settle(&loop->breaker, &loop->batch, now_ms(loop));
    enum weir_err_code code = seal(loop, &why);
    if (code != WEIR_OK)
        return settle_unsent(loop, &why, err);
    size_t n_next = batch_next(&loop->batch, loop->next);
    if (n_next > 0)
        code = write_out(loop, n_next, &why);
    return code == WEIR_OK ? settle_commit(loop, err) : settle_failure(loop, &why, err);
}

enum weir_err_code loop_step(struct loop *loop, struct weir_err *err)
{
    if (loop->state != LOOP_RUNNING || loop->quiet || now_ms(loop) < loop->again_at_ms)
        return settle_recover(loop, err);
    if (loop->expired)
        return settle_rejoin(loop, err);
    enum weir_err_code code = tend(loop, err);
    if (code == WEIR_OK)
        code = gather(loop, err);
    if (code != WEIR_OK || loop->batch.n == 0)
        return code;
    return run_batch(loop, err);
}

/* True when nothing is left to be done but to leave. */
static bool finished(const struct loop *loop)
{
    return stopping(loop) && (loop->state == LOOP_RUNNING || loop->batch.n == 0);
}

enum weir_err_code loop_run(struct loop *loop, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    while (code == WEIR_OK && !finished(loop)) {
        if (stopping(loop) && loop->stop_at_ms == 0)
            loop->stop_at_ms = now_ms(loop) + LOOP_STOP_DEADLINE_MS - LOOP_STOP_CALL_MS;
        if (loop->stop_at_ms != 0 && now_ms(loop) > loop->stop_at_ms)
            return weir_fail(
                err, WEIR_ERR_TRANSIENT,
                "stopped without knowing what became of the last %zu records; the next start sees to them",
                loop->batch.n);
        code = loop_step(loop, err);
    }
    return code;
}
