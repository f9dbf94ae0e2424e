#include "engine/settle.h"

#include "sys/log.h"
#include "sys/remedy.h"

/* How long one look at the committed offsets may take, and one poll between two slices of recovery. */
#define LEARN_TIMEOUT_MS  1000
#define TAKEN_TIMEOUT_MS  2000
#define KEEPALIVE_POLL_MS 50
/* How long a look at the topics may take when one of them is in trouble. */
#define WORD_TIMEOUT_MS 3000
/* The pause before a third try and the longest. Each is drawn from the upper half of its length. */
#define AGAIN_FIRST_MS      200
#define AGAIN_LONGEST_MS    5000
#define AGAIN_DOUBLINGS_MAX 5

static int64_t now_ms(const struct loop *loop)
{
    return loop->parts.timer->ops->monotonic_ms(loop->parts.timer);
}

static bool stopping(const struct loop *loop)
{
    return atomic_load_explicit(&loop->parts.control->stop, memory_order_relaxed) != 0;
}

int64_t settle_deadline_ms(const struct loop *loop)
{
    return stopping(loop) ? LOOP_STOP_CALL_MS : LOOP_COMMIT_DEADLINE_MS;
}

void settle_down(struct loop *loop, const struct weir_err *why)
{
    if (loop->down < 0)
        loop->down = trouble_join(loop->parts.trouble, why, now_ms(loop));
}

void settle_up(struct loop *loop)
{
    if (loop->down >= 0)
        trouble_leave(loop->parts.trouble, loop->down, now_ms(loop));
    loop->down = -1;
}

/* True when this worker, or another one, has said that brokers are down: what follows from that is no news.
 */
static bool known_down(const struct loop *loop)
{
    return trouble_known(loop->parts.trouble, WEIR_ERR_BROKER_DOWN);
}

/* A connection was lost under the last transaction: what was sent on it may yet arrive. */
static bool needs_new_producer(const struct loop *loop)
{
    return remedy_on(REMEDY_END_TXN_GUARD) && loop->parts.sink->ops->tainted(loop->parts.sink);
}

/* --- well --- */

/* Adds the batch to the counters: summed up first, since each addition to a shared counter costs. */
static void count_batch(struct loop *loop)
{
    uint64_t verdicts[WEIR_REJECT + 1] = {0};
    uint64_t codes[WEIR_CODE_COUNT] = {0};
    uint64_t defaulted = 0, unknown = 0;
    for (size_t i = 0; i < loop->batch.n; i++) {
        const struct weir_outcome *outcome = &loop->batch.items[i].outcome;
        if (!batch_live(&loop->batch, &loop->batch.items[i]))
            continue;
        verdicts[outcome->verdict]++;
        codes[outcome->verdict == WEIR_REJECT ? outcome->why.code : WEIR_CODE_NONE]++;
        defaulted += outcome->verdict == WEIR_PASS && outcome->defaulted != 0;
        unknown += outcome->verdict == WEIR_PASS && outcome->unknown_fields != 0;
    }
    struct counters *counters = loop->parts.counters;
    counters_add(counters, COUNTER_RECORDS_IN,
                 verdicts[WEIR_PASS] + verdicts[WEIR_DROP] + verdicts[WEIR_REJECT]);
    counters_add(counters, COUNTER_RECORDS_PASSED, verdicts[WEIR_PASS]);
    counters_add(counters, COUNTER_RECORDS_DROPPED, verdicts[WEIR_DROP]);
    counters_add(counters, COUNTER_RECORDS_REJECTED, verdicts[WEIR_REJECT]);
    counters_add(counters, COUNTER_RECORDS_DEFAULTED, defaulted);
    counters_add(counters, COUNTER_RECORDS_UNKNOWN, unknown);
    for (int code = WEIR_CODE_NONE + 1; code < WEIR_CODE_COUNT; code++)
        if (codes[code])
            counters_add_rejected(counters, (enum weir_code)code, codes[code]);
}

/* Ends the batch: its records go back, and the next one begins with nothing. */
static void let_go(struct loop *loop)
{
    loop->parts.source->ops->stamp_free(loop->stamp);
    loop->stamp = NULL;
    batch_release(&loop->batch, loop->parts.source);
    plans_forget(loop->parts.plans);
}

/* Lets every run wait that is cut. */
static enum weir_err_code hold_cut_runs(struct loop *loop, struct weir_err *err)
{
    for (size_t i = 0; i < loop->batch.n_runs; i++) {
        const struct batch_run *run = &loop->batch.runs[i];
        if (run->gone)
            continue;
        holds_passed(&loop->holds, run->partition, run->next);
        if (!run->cut)
            continue;
        /* A topic that is missing shows in the next look at the topics: do not wait a minute for it. */
        int64_t soon = now_ms(loop) + LOOP_REFRESH_SOON_MS;
        loop->refresh_at_ms = soon < loop->refresh_at_ms ? soon : loop->refresh_at_ms;
        counters_add(loop->parts.counters, COUNTER_WAITS, 1);
        struct position at = {run->partition, run->epoch, run->next};
        enum weir_err_code code = holds_add(&loop->holds, at, &run->why, err);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

/* A transaction is committed: what failed before it is over. */
static void note_success(struct loop *loop)
{
    if (loop->failing >= 0)
        trouble_leave(loop->parts.trouble, loop->failing, now_ms(loop));
    loop->failing = -1;
    loop->fails_in_row = 0;
}

/*
 * A new producer is needed. It fences whoever has our name, and that is a successor when this process was
 * asleep for a while: connections are lost then, and commits without answer. So as long as we believe to have
 * a place in the group, it is asked first whether that is so.
 */
static void reopen(struct loop *loop)
{
    struct source *source = loop->parts.source;
    bool ask = remedy_on(REMEDY_ZOMBIE) && loop->started && source->ops->placed(source);
    loop->state = ask ? LOOP_ASKING : LOOP_OPENING;
}

enum weir_err_code settle_commit(struct loop *loop, struct weir_err *err)
{
    count_batch(loop);
    if (batch_next(&loop->batch, loop->next) > 0) {
        note_success(loop);
        chain_committed(&loop->chain);
        breaker_committed(&loop->breaker, &loop->batch);
    }
    enum weir_err_code code = hold_cut_runs(loop, err);
    let_go(loop);
    if (needs_new_producer(loop))
        reopen(loop);
    return code;
}

/* --- not well --- */

/*
 * A first failure is met at once, and said by its own line. Those that follow it before anything is committed
 * are one trouble, tried ever more slowly: true for them.
 */
static bool fails_again(struct loop *loop, const struct weir_err *why)
{
    if (loop->fails_in_row++ == 0)
        return false;
    if (loop->failing < 0)
        loop->failing = trouble_join(loop->parts.trouble, why, now_ms(loop));
    unsigned doublings = loop->fails_in_row - 2;
    int64_t pause_ms =
        doublings < AGAIN_DOUBLINGS_MAX ? (int64_t)AGAIN_FIRST_MS << doublings : AGAIN_LONGEST_MS;
    uint32_t half = (uint32_t)(pause_ms / 2);
    struct timer *timer = loop->parts.timer;
    loop->again_at_ms = now_ms(loop) + half + timer->ops->random(timer, half + 1);
    return true;
}

/* Puts every run that is still ours back to where the batch began, so that it is done again. */
static enum weir_err_code rewind_runs(struct loop *loop, struct weir_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < loop->batch.n_runs; i++) {
        const struct batch_run *run = &loop->batch.runs[i];
        if (!run->gone)
            loop->next[n++] = (struct position){run->partition, run->epoch, run->first};
    }
    return loop->parts.source->ops->seek(loop->parts.source, loop->next, n, err);
}

/* The topics refuse what they should take: every partition of the batch waits, and the topics are looked at
 * again. */
static enum weir_err_code hold_all_runs(struct loop *loop, const struct weir_err *why, struct weir_err *err)
{
    for (size_t i = 0; i < loop->batch.n_runs; i++) {
        struct batch_run *run = &loop->batch.runs[i];
        run->next = run->first;
        run->cut = true;
        run->why = *why;
    }
    loop->refresh_at_ms = now_ms(loop);
    return hold_cut_runs(loop, err);
}

/*
 * The producer cannot go on: a new one is made, unless another process has its name. One that was fenced may
 * be so by its successor, but also by the coordinator, which timed the transaction out, or by a member that
 * took this process for gone (kafka/estate.h): only in the first case the name must not be taken back, or a
 * zombie would fence its successor. Which it was is known by the group, where a successor takes our place
 * too: it is asked, and nothing else is done until it has told (judge_fence). That our partitions were lost
 * says nothing: so they are after any long outage.
 */
static enum weir_err_code lose_producer(struct loop *loop, const struct weir_err *why, struct weir_err *err)
{
    if (weir_err_class(why->code) == WEIR_CLASS_FATAL) {
        *err = *why;
        return why->code;
    }
    reopen(loop);
    bool fenced = why->code == WEIR_ERR_FENCED && remedy_on(REMEDY_ZOMBIE);
    if (fenced)
        loop->state = LOOP_FENCED;
    else
        counters_add(loop->parts.counters, COUNTER_PRODUCER_REBUILDS, 1);
    if (!fails_again(loop, why) && !known_down(loop))
        log_warn(fenced ? "fenced" : "rebuild", "%s; %s", why->text,
                 fenced ? "asking the group whether another process has this one's name"
                        : "making a new producer and reading the committed offsets");
    return WEIR_OK;
}

/*
 * What a request of the client says of a topic differs from call to call, and seldom names the topic. The
 * topics are looked at now, so that the trouble is said once, in the words that it goes on with. A topic that
 * may be seen but not written to looks well: then both are named.
 */
static struct weir_err word_trouble(struct loop *loop, const struct weir_err *why)
{
    struct weir_err worded = *why;
    struct weir_err ignored;
    const struct weir_spec *spec = loop->parts.spec;
    if (why->code != WEIR_ERR_TOPIC_MISSING && why->code != WEIR_ERR_TOPIC_DENIED)
        return worded;
    (void)loop->parts.sink->ops->refresh(loop->parts.sink, WORD_TIMEOUT_MS, &ignored);
    if (!outbox_topic_trouble(&loop->parts.outbox, &worded) && why->code == WEIR_ERR_TOPIC_DENIED)
        (void)weir_fail(&worded, why->code, "no permission to write to topic %s or %s: grant WRITE on both",
                        spec->output.topic, spec->dead_letter.topic);
    return worded;
}

static enum weir_err_code abort_batch(struct loop *loop, const struct weir_err *why, struct weir_err *err)
{
    struct weir_err abort_err = {0};
    enum weir_err_code code =
        loop->parts.sink->ops->abort(loop->parts.sink, settle_deadline_ms(loop), &abort_err);
    if (code != WEIR_OK && !remedy_on(REMEDY_FAILED_ABORT)) {
        *err = abort_err;
        return code;
    }
    if (code != WEIR_OK)
        return lose_producer(loop, &abort_err, err);
    counters_add(loop->parts.counters, COUNTER_TRANSACTIONS_ABORTED, 1);
    if (weir_err_class(why->code) == WEIR_CLASS_WAIT) {
        struct weir_err worded = word_trouble(loop, why);
        code = hold_all_runs(loop, &worded, err);
    } else {
        log_write(fails_again(loop, why) ? WEIR_LOG_DEBUG : WEIR_LOG_WARN, "aborted",
                  "%s; transaction aborted, %zu records are done again", why->text, loop->batch.n);
        code = rewind_runs(loop, err);
    }
    let_go(loop);
    if (needs_new_producer(loop))
        reopen(loop);
    return code;
}

enum weir_err_code settle_failure(struct loop *loop, const struct weir_err *why, struct weir_err *err)
{
    enum weir_err_class class = weir_err_class(why->code);
    bool taken_for_abort = why->code == WEIR_ERR_TXN_UNKNOWN && !remedy_on(REMEDY_REBUILD_UNKNOWN);
    if ((class == WEIR_CLASS_REBUILD && !taken_for_abort) || class == WEIR_CLASS_FATAL)
        return lose_producer(loop, why, err);
    return abort_batch(loop, why, err);
}

enum weir_err_code settle_unsent(struct loop *loop, const struct weir_err *why, struct weir_err *err)
{
    if (weir_err_class(why->code) == WEIR_CLASS_FATAL) {
        *err = *why;
        return why->code;
    }
    (void)fails_again(loop, why);
    log_debug("unsent", "%s; the batch is gathered again", why->text);
    enum weir_err_code code = rewind_runs(loop, err);
    let_go(loop);
    return code;
}

/* --- the way back --- */

static enum weir_err_code set_quiet(struct loop *loop, bool quiet, struct weir_err *err)
{
    if (!loop->started || loop->quiet == quiet)
        return WEIR_OK;
    enum weir_err_code code = loop->parts.source->ops->quiet(loop->parts.source, quiet, err);
    if (code == WEIR_OK)
        loop->quiet = quiet;
    return code;
}

/* Where nobody else has our place in the group, the name is ours to take again. */
static enum weir_err_code ask_group(struct loop *loop, struct weir_err *err)
{
    bool taken = false;
    enum weir_err_code code =
        loop->parts.source->ops->taken(loop->parts.source, TAKEN_TIMEOUT_MS, &taken, err);
    if (code == WEIR_OK && taken)
        return weir_fail(
            err, WEIR_ERR_DUPLICATE_IDENTITY,
            "another process has taken over the identity of this one, which may have been away for "
            "a while: give each its own --instance");
    return code;
}

/* Fenced: nothing else is done until the group has told. What it told is old when the new producer must wait,
 * and then it is asked once more. */
static enum weir_err_code judge_fence(struct loop *loop, struct weir_err *err)
{
    struct weir_err why = {0};
    enum weir_err_code code = ask_group(loop, &why);
    if (weir_err_class(code) == WEIR_CLASS_FATAL) {
        *err = why;
        return code;
    }
    if (code != WEIR_OK) {
        why.code = WEIR_ERR_BROKER_DOWN;
        settle_down(loop, &why);
        return WEIR_OK;
    }
    counters_add(loop->parts.counters, COUNTER_PRODUCER_REBUILDS, 1);
    loop->state = LOOP_OPENING;
    if (now_ms(loop) < loop->again_at_ms)
        reopen(loop);
    return WEIR_OK;
}

/* Serves the group while nothing may be gathered. The poll is also the pause between two tries. */
static enum weir_err_code keep_alive(struct loop *loop, struct weir_err *err)
{
    struct weir_err why = {0};
    size_t n = 0;
    enum weir_err_code code = set_quiet(loop, true, err);
    if (code != WEIR_OK)
        return code;
    code = loop->parts.source->ops->poll(loop->parts.source, KEEPALIVE_POLL_MS, 1, &loop->batch.heap,
                                         loop->batch.landing, &n, &why);
    settle_note_expired(loop, &why);
    if (weir_err_class(code) != WEIR_CLASS_FATAL)
        return WEIR_OK;
    *err = why;
    return code;
}

void settle_note_expired(struct loop *loop, const struct weir_err *why)
{
    if (why->code != WEIR_ERR_MEMBER_EXPIRED || loop->expired || !remedy_on(REMEDY_REJOIN))
        return;
    loop->expired = true;
    log_write(known_down(loop) ? WEIR_LOG_INFO : WEIR_LOG_WARN, "rejoin", "%s; joining anew", why->text);
}

enum weir_err_code settle_rejoin(struct loop *loop, struct weir_err *err)
{
    enum weir_err_code code = loop->parts.source->ops->rejoin(loop->parts.source, err);
    loop->expired = false;
    return code;
}

/*
 * Ends the batch whose outcome is not known when there is no membership any more: the next assignment begins
 * at the committed offsets anyway, so nothing is lost or doubled, but for the counters.
 */
static void forget_outcome(struct loop *loop)
{
    log_info("rebuilt",
             "new producer ready; what became of the batch of %zu records shows at the next assignment",
             loop->batch.n);
    let_go(loop);
    loop->state = LOOP_RUNNING;
}

/*
 * Reads from the committed offsets what became of the batch, and goes on from there. A transaction takes
 * effect as a whole, so ours did not when one of its runs is not committed. When all are, another process may
 * have done the same: that matters little to counters and breaker, but the journal must not rest on it, so
 * what ours would have told is told once more.
 */
static enum weir_err_code learn(struct loop *loop, struct weir_err *err)
{
    struct batch *batch = &loop->batch;
    size_t n = 0;
    for (size_t i = 0; i < batch->n_runs; i++)
        if (!batch->runs[i].gone)
            loop->next[n++] = (struct position){batch->runs[i].partition, batch->runs[i].epoch, 0};
    enum weir_err_code code =
        loop->parts.source->ops->committed(loop->parts.source, loop->next, n, LEARN_TIMEOUT_MS, err);
    if (code != WEIR_OK)
        return code;
    bool whole = true;
    bool exact = false;
    for (size_t i = 0, at = 0; i < batch->n_runs; i++) {
        const struct batch_run *run = &batch->runs[i];
        if (run->gone)
            continue;
        int64_t committed = loop->next[at++].offset;
        bool moves = run->next > run->first;
        whole = whole && (!moves || committed >= run->next);
        exact = exact || (moves && committed == run->next);
        holds_passed(&loop->holds, run->partition, committed);
        chain_passed(&loop->chain, run->partition, run->epoch, committed);
        /* Before the batch's first record is no move: transaction markers and aborted records take offsets.
         */
        if (committed > run->first && committed != run->next)
            log_warn("moved",
                     "partition %d is committed at %lld; the batch was %lld to %lld: going on from there",
                     run->partition, (long long)committed, (long long)run->first, (long long)run->next);
    }
    bool done = whole && exact;
    if (done) {
        count_batch(loop);
        counters_add(loop->parts.counters, COUNTER_TRANSACTIONS_COMMITTED, 1);
        note_success(loop);
        breaker_committed(&loop->breaker, batch);
    }
    log_write(loop->failing < 0 ? WEIR_LOG_INFO : WEIR_LOG_DEBUG, "rebuilt",
              "new producer ready; the batch of %zu records was %s", batch->n,
              done ? "committed" : "not committed and is done again");
    return loop->parts.source->ops->seek(loop->parts.source, loop->next, n, err);
}

static enum weir_err_code open_sink(struct loop *loop, struct weir_err *err)
{
    struct source *source = loop->parts.source;
    enum weir_err_code code = WEIR_OK;
    if (loop->state == LOOP_ASKING && source->ops->placed(source))
        code = ask_group(loop, err);
    if (code == WEIR_ERR_TRANSIENT)
        err->code = code = WEIR_ERR_BROKER_DOWN; /* As opening says it, which nobody answers either. */
    if (code != WEIR_OK)
        return code;
    loop->state = LOOP_OPENING;
    code = loop->parts.sink->ops->open(loop->parts.sink, err);
    if (code != WEIR_OK)
        return code;
    if (!loop->started)
        code = source->ops->start(source, err);
    if (code != WEIR_OK)
        return code;
    loop->started = true;
    loop->refresh_at_ms = now_ms(loop);
    loop->state = loop->batch.n > 0 ? LOOP_LEARNING : LOOP_RUNNING;
    return WEIR_OK;
}

enum weir_err_code settle_recover(struct loop *loop, struct weir_err *err)
{
    struct weir_err why = {0};
    enum weir_err_code code = WEIR_OK;
    if (loop->state == LOOP_FENCED)
        return judge_fence(loop, err);
    if (now_ms(loop) < loop->again_at_ms && !stopping(loop))
        return keep_alive(loop, err);
    if (loop->state == LOOP_ASKING || loop->state == LOOP_OPENING)
        code = open_sink(loop, &why);
    if (code == WEIR_OK && loop->state == LOOP_LEARNING && loop->expired)
        forget_outcome(loop);
    if (code == WEIR_OK && loop->state == LOOP_LEARNING) {
        code = learn(loop, &why);
        if (code == WEIR_OK) {
            let_go(loop);
            loop->state = LOOP_RUNNING;
        }
    }
    if (weir_err_class(code) == WEIR_CLASS_FATAL) {
        *err = why;
        return code;
    }
    if (code != WEIR_OK) {
        settle_down(loop, &why);
        return keep_alive(loop, err);
    }
    return set_quiet(loop, false, err);
}
