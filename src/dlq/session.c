#include "dlq/session.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/route.h"
#include "dlq/text.h"
#include "kafka/admin.h"
#include "kafka/conf.h"
#include "kafka/range.h"
#include "sys/clock.h"

/* How long one look for a record may take, and a question about a topic. */
#define LOOK_MS 100
#define ASK_MS  15000
/* How long a run that failed waits before it looks whether another one has fenced it. */
#define REOPEN_MS 2000
/* Room for the names of topics in a message. */
#define MISSING_MAX 384

struct session {
    struct session_options options;
    const char *topics[SESSION_TARGETS + SESSION_TARGETS_MAX];
    struct lease lease;
    struct post *post;
    struct ledger *ledger;
    struct ledger *touched; /* the letters that this run has changed */
    bool open;              /* a transaction is */
    bool lost;              /* another run has taken over */
    bool tainted;           /* the next transaction needs a new producer */
    int64_t renewed_ms;     /* monotonic */
};

static void step(const struct session *session, const char *name)
{
    if (session->options.step)
        session->options.step(name);
}

/* --- reading the ledger's topic --- */

/* What is wanted of it; what is NULL is not. */
struct reading {
    struct ledger *ledger;
    struct lease *lease;
    const char *run; /* whose changes go into touched too */
    struct ledger *touched;
};

static bool is_of_run(struct weir_bytes value, const char *run)
{
    json_t *object = value.data ? json_loadb((const char *)value.data, value.len, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(object, "run"));
    bool same = text && strcmp(text, run) == 0;
    json_decref(object);
    return same;
}

static enum weir_err_code take(const struct reading *reading, const struct weir_record *record,
                               struct weir_err *err)
{
    if (weir_bytes_equal(record->key, weir_bytes_of(LEASE_KEY))) {
        if (reading->lease)
            (void)lease_parse(record->value, reading->lease);
        return WEIR_OK;
    }
    if (!reading->ledger)
        return WEIR_OK;
    enum weir_err_code code = ledger_take(reading->ledger, record, err);
    if (code == WEIR_OK && reading->run && is_of_run(record->value, reading->run))
        code = ledger_take(reading->touched, record, err);
    return code;
}

static enum weir_err_code read_all(struct range *range, const struct reading *reading, struct weir_err *err)
{
    for (;;) {
        const struct weir_record *record;
        enum weir_err_code code = range_next(range, LOOK_MS, &record, err);
        if (code == WEIR_OK && !record && range_done(range))
            return WEIR_OK;
        if (code == WEIR_OK && record)
            code = take(reading, record, err);
        if (code != WEIR_OK)
            return code;
    }
}

static enum weir_err_code read_ledger(const struct weir_spec *spec, rd_kafka_t *client, enum range_end end,
                                      const struct reading *reading, struct weir_err *err)
{
    struct range *range = NULL;
    struct weir_err why;
    const struct range_options options = {
        .spec = spec, .client = client, .topic = spec->dead_letter.ledger, .end = end, .since_ms = -1};
    enum weir_err_code code = range_open(&options, &range, err);
    if (code == WEIR_OK)
        code = read_all(range, reading, &why);
    else
        return code;
    range_close(range);
    return code == WEIR_OK ? code : weir_fail(err, code, "topic %s: %s", spec->dead_letter.ledger, why.text);
}

enum weir_err_code session_peek(const struct weir_spec *spec, rd_kafka_t *client, struct ledger **out,
                                struct weir_err *err)
{
    struct ledger *ledger = ledger_new();
    if (!ledger)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the ledger");
    const struct reading reading = {.ledger = ledger};
    enum weir_err_code code = read_ledger(spec, client, RANGE_COMMITTED, &reading, err);
    if (code == WEIR_OK || code == WEIR_ERR_TOPIC_MISSING) {
        *out = ledger;
        return WEIR_OK;
    }
    ledger_free(ledger);
    return code;
}

/* --- opening --- */

static size_t list_topics(const struct session_options *options, const char **topics)
{
    topics[SESSION_LEDGER] = options->spec->dead_letter.ledger;
    topics[SESSION_AUDIT] = options->spec->dead_letter.audit;
    for (size_t i = 0; i < options->n_targets; i++)
        topics[SESSION_TARGETS + i] = options->targets[i];
    return SESSION_TARGETS + options->n_targets;
}

/* All that are missing are named at once: whoever is on call makes them once, and not one after the other. */
static enum weir_err_code check_topics(const struct session_options *options, struct weir_err *err)
{
    char missing[MISSING_MAX] = "";
    const char *topics[SESSION_TARGETS + SESSION_TARGETS_MAX];
    bool ledger = false;
    size_t used = 0, n = list_topics(options, topics);
    for (size_t i = 0; i < n; i++) {
        struct sink_target target = {0};
        enum weir_err_code code = admin_look(options->client, topics[i], ASK_MS, &target, err);
        if (code != WEIR_OK)
            return code;
        if (target.state != WEIR_ERR_TOPIC_MISSING || used >= sizeof missing)
            continue;
        used += (size_t)snprintf(missing + used, sizeof missing - used, "%s%s", used ? ", " : "", topics[i]);
        ledger = ledger || i == SESSION_LEDGER;
    }
    if (used == 0)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_TOPIC_MISSING,
                     "missing: topic %s; make each with kafka-topics.sh --create%s", missing,
                     ledger ? ", the ledger with --config cleanup.policy=compact" : "");
}

static enum weir_err_code check_compacted(const struct session_options *options, struct weir_err *err)
{
    char policy[64] = "";
    const char *topic = options->spec->dead_letter.ledger;
    enum weir_err_code code =
        admin_setting(options->client, topic, "cleanup.policy", ASK_MS, policy, sizeof policy, err);
    if (code == WEIR_OK && !*policy)
        return weir_fail(err, WEIR_ERR_TOPIC_DENIED,
                         "no permission to see whether topic %s is compacted: grant DESCRIBE_CONFIGS on it",
                         topic);
    if (code == WEIR_OK && strcmp(policy, "compact") != 0)
        code = weir_fail(
            err, WEIR_ERR_CONFIG,
            "topic %s has cleanup.policy=%s: it would forget what was replayed, and then it would be "
            "replayed again; set cleanup.policy=compact",
            topic, policy);
    return code;
}

enum weir_err_code session_check(const struct session_options *options, struct weir_err *err)
{
    enum weir_err_code code = check_topics(options, err);
    return code == WEIR_OK ? check_compacted(options, err) : code;
}

static enum weir_err_code refuse(const struct lease *lease, int64_t now_ms, struct weir_err *err)
{
    return weir_fail(err, WEIR_ERR_DUPLICATE_IDENTITY,
                     "a %s by %s (process %" PRId64 ", run %s) has been at work for %" PRId64
                     " s and was heard of %" PRId64 " s ago; --take-over stops it",
                     lease->verb, lease->by, lease->pid, lease->run, (now_ms - lease->since_ms) / 1000,
                     (now_ms - lease->beat_ms) / 1000);
}

/* Looks who is at work, without disturbing him: opening the producer would. */
static enum weir_err_code check_lease(const struct session_options *options, struct weir_err *err)
{
    struct lease lease = {.held = false};
    const struct reading reading = {.lease = &lease};
    enum weir_err_code code = read_ledger(options->spec, options->client, RANGE_COMMITTED, &reading, err);
    int64_t now_ms = clock_wall_ms();
    if (code == WEIR_OK && !options->take_over && lease_alive(&lease, now_ms, options->host, options->alive))
        return refuse(&lease, now_ms, err);
    return code;
}

static enum weir_err_code open_post(struct session *session, struct weir_err *err)
{
    char id[CONF_IDENTITY_MAX];
    (void)snprintf(id, sizeof id, "%s-dlq-replay", session->options.spec->core.pipeline);
    const struct post_options options = {.spec = session->options.spec,
                                         .client = session->options.client,
                                         .id = id,
                                         .topics = session->topics,
                                         .n_topics = SESSION_TARGETS + session->options.n_targets,
                                         .stopping = session->options.stopping};
    return post_open(&options, &session->post, err);
}

/*
 * The ledger anew, whole: whatever was open is ended by now, and nobody else can write. It stays where it is:
 * a connection that is lost brings us here in the middle of a look at the letters, which goes on with it.
 */
static enum weir_err_code load(struct session *session, struct weir_err *err)
{
    ledger_clear(session->ledger);
    ledger_clear(session->touched);
    const struct reading reading = {
        .ledger = session->ledger, .run = session->lease.run, .touched = session->touched};
    return read_ledger(session->options.spec, session->options.client, RANGE_WRITTEN, &reading, err);
}

static void name_run(struct session *session)
{
    const struct session_options *options = &session->options;
    struct lease *lease = &session->lease;
    char time_text[TEXT_TIME_MAX];
    lease->since_ms = clock_wall_ms();
    (void)snprintf(lease->run, sizeof lease->run, "%s-%08" PRIx32,
                   text_time(lease->since_ms, time_text, sizeof time_text), (uint32_t)options->seed);
    (void)snprintf(lease->by, sizeof lease->by, "%s", options->by);
    (void)snprintf(lease->host, sizeof lease->host, "%s", options->host);
    (void)snprintf(lease->verb, sizeof lease->verb, "%s", options->verb);
    lease->pid = options->pid;
    lease->held = true;
}

static enum weir_err_code audit(struct session *session, const char *outcome,
                                const struct session_counts *counts, struct weir_err *err);

static enum weir_err_code open_session(struct session *session, struct weir_err *err)
{
    const struct session_options *options = &session->options;
    enum weir_err_code code = session_check(options, err);
    if (code == WEIR_OK)
        code = check_lease(options, err);
    if (code == WEIR_OK)
        code = open_post(session, err);
    step(session, "fenced");
    if (code == WEIR_OK)
        code = load(session, err);
    step(session, "loaded");
    if (code == WEIR_OK)
        code = audit(session, "begun", NULL, err);
    if (code == WEIR_OK)
        code = session_commit(session, err);
    step(session, "begun");
    return code;
}

enum weir_err_code session_open(const struct session_options *options, struct session **out,
                                struct weir_err *err)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for a run");
    session->options = *options;
    (void)list_topics(options, session->topics);
    name_run(session);
    session->ledger = ledger_new();
    session->touched = ledger_new();
    enum weir_err_code code = session->ledger && session->touched
                                  ? open_session(session, err)
                                  : weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory for the ledger");
    if (code == WEIR_OK) {
        *out = session;
        return WEIR_OK;
    }
    session->lost = true;
    struct weir_err ignored;
    (void)session_close(session, NULL, NULL, &ignored);
    return code;
}

enum weir_err_code session_reopen(struct session *session, struct weir_err *err)
{
    struct lease lease = {.held = false};
    const struct reading reading = {.lease = &lease};
    session->open = session->tainted = false;
    post_close(session->post);
    session->post = NULL;
    /* Whoever has fenced this run has not written his lease yet; the coordinator, when it was that, never
     * will. */
    clock_sleep_ms(REOPEN_MS);
    enum weir_err_code code =
        read_ledger(session->options.spec, session->options.client, RANGE_COMMITTED, &reading, err);
    if (code == WEIR_OK && lease.run[0] && strcmp(lease.run, session->lease.run) != 0) {
        session->lost = true;
        return weir_fail(err, WEIR_ERR_DUPLICATE_IDENTITY, "run %s by %s has taken over", lease.run,
                         lease.by);
    }
    if (code == WEIR_OK)
        code = open_post(session, err);
    return code == WEIR_OK ? load(session, err) : code;
}

bool session_mends(enum weir_err_code code)
{
    switch (weir_err_class(code)) {
    case WEIR_CLASS_RETRY:
    case WEIR_CLASS_ABORT_BATCH:
    case WEIR_CLASS_REBUILD: return true;
    default: return code == WEIR_ERR_BROKER_DOWN;
    }
}

const struct ledger *session_ledger(const struct session *session)
{
    return session->ledger;
}

const struct post *session_post(const struct session *session)
{
    return session->post;
}

const char *session_run(const struct session *session)
{
    return session->lease.run;
}

bool session_touched(const struct session *session, const struct letter_place *place)
{
    return ledger_find(session->touched, place).change > 0;
}

void session_tally(const struct session *session, uint64_t by_state[LEDGER_STATES])
{
    ledger_tally(session->touched, by_state);
}

/* --- transactions --- */

static enum weir_err_code begin(struct session *session, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    if (session->open)
        return WEIR_OK;
    /* What is still on its way of the last transaction must not meet this one. */
    if (session->tainted)
        code = session_reopen(session, err);
    if (code == WEIR_OK)
        code = post_begin(session->post, err);
    session->open = code == WEIR_OK;
    return code;
}

enum weir_err_code session_send(struct session *session, const struct post_record *record,
                                struct weir_err *err)
{
    enum weir_err_code code = begin(session, err);
    return code == WEIR_OK ? post_send(session->post, record, err) : code;
}

/* A record for one of the session's own topics, in the partition where Java clients put its key. */
static enum weir_err_code send_own(struct session *session, enum session_topic topic, const char *key,
                                   const char *value, size_t len, struct weir_err *err)
{
    struct post_record record = {.topic = topic,
                                 .timestamp_ms = -1,
                                 .key = weir_bytes_of(key),
                                 .value = {(const uint8_t *)value, len}};
    record.partition = route_partition(WEIR_PARTITION_KEY, 0, 1, post_partitions(session->post, topic),
                                       record.key, WEIR_NO_BYTES);
    return session_send(session, &record, err);
}

enum weir_err_code session_mark(struct session *session, const struct letter_place *place,
                                struct ledger_entry entry, const char *target, const char *code_text,
                                struct weir_err *err)
{
    char key[LETTER_PLACE_MAX], value[LEDGER_VALUE_MAX];
    const struct ledger_note note = {.run = session->lease.run,
                                     .by = session->lease.by,
                                     .reason = session->options.reason,
                                     .target = target,
                                     .code = code_text};
    entry.change = ledger_find(session->ledger, place).change + 1;
    entry.at_ms = clock_wall_ms();
    size_t len = ledger_print(&entry, &note, value);
    enum weir_err_code code =
        send_own(session, SESSION_LEDGER, letter_place_print(place, key), value, len, err);
    if (code == WEIR_OK)
        code = ledger_put(session->ledger, place, &entry, err);
    if (code == WEIR_OK)
        code = ledger_put(session->touched, place, &entry, err);
    return code;
}

enum weir_err_code session_commit(struct session *session, struct weir_err *err)
{
    char value[LEDGER_VALUE_MAX];
    session->lease.beat_ms = clock_wall_ms();
    size_t len = lease_print(&session->lease, value);
    enum weir_err_code code = send_own(session, SESSION_LEDGER, LEASE_KEY, value, len, err);
    if (code != WEIR_OK)
        return code;
    step(session, "sent");
    code = post_commit(session->post, err);
    step(session, "committed");
    if (code != WEIR_OK)
        return code;
    session->open = false;
    session->tainted = post_tainted(session->post);
    session->renewed_ms = clock_monotonic_ms();
    return WEIR_OK;
}

enum weir_err_code session_renew(struct session *session, struct weir_err *err)
{
    if (session->open || clock_monotonic_ms() - session->renewed_ms < LEASE_RENEW_MS)
        return WEIR_OK;
    return session_commit(session, err);
}

enum weir_err_code session_abandon(struct session *session, struct weir_err *err)
{
    if (!session->open || session->lost)
        return WEIR_OK;
    session->open = false;
    return post_abort(session->post, err);
}

/* --- the end --- */

static void add_counts(json_t *object, const struct session_counts *counts)
{
    if (!counts)
        return;
    json_t *list = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "replayed", (json_int_t)counts->replayed,
                             "failed", (json_int_t)counts->failed, "parked", (json_int_t)counts->parked,
                             "discarded", (json_int_t)counts->discarded, "skipped",
                             (json_int_t)counts->skipped, "imported", (json_int_t)counts->imported);
    (void)json_object_set_new(object, "counts", list);
}

static void add_text(json_t *object, const char *name, const char *text)
{
    if (text)
        (void)json_object_set_new(object, name, json_string(text));
}

static enum weir_err_code audit(struct session *session, const char *outcome,
                                const struct session_counts *counts, struct weir_err *err)
{
    char value[SESSION_AUDIT_MAX];
    const struct lease *lease = &session->lease;
    json_t *object =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I}", "v", LEDGER_VERSION, "run", lease->run, "verb",
                  lease->verb, "by", lease->by, "outcome", outcome, "at", (json_int_t)clock_wall_ms());
    add_text(object, "reason", session->options.reason);
    add_text(object, "filter", session->options.filter);
    add_counts(object, counts);
    size_t len = json_dumpb(object, value, sizeof value, JSON_COMPACT);
    json_decref(object);
    if (len == 0 || len > sizeof value)
        return weir_fail(err, WEIR_ERR_USAGE, "reason and filter are too long for the audit record");
    return send_own(session, SESSION_AUDIT, lease->run, value, len, err);
}

enum weir_err_code session_close(struct session *session, const char *outcome,
                                 const struct session_counts *counts, struct weir_err *err)
{
    enum weir_err_code code = WEIR_OK;
    if (!session->lost) {
        session->lease.held = false;
        code = audit(session, outcome, counts, err);
        if (code == WEIR_OK)
            code = session_commit(session, err);
    }
    post_close(session->post);
    ledger_free(session->ledger);
    ledger_free(session->touched);
    free(session);
    return code;
}
