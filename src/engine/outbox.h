/*
 * Outcomes become records of the output and the dead-letter topic, before any transaction is open. A record
 * whose topic cannot take it now (missing, denied, letter too large) cuts its run: it waits, it is never lost
 * and never rejected for it.
 */
#ifndef WEIR_ENGINE_OUTBOX_H
#define WEIR_ENGINE_OUTBOX_H

#include "core/envelope.h"
#include "engine/batch.h"

struct outbox {
    const struct weir_spec *spec;
    struct sink *sink;
    const char *version;    /* weir's, for letters */
    int64_t reader_version; /* for letters */
};

/*
 * Fills item->out of each live item that passes or is rejected. An output record that is larger than its
 * topic takes becomes REJECT(too_large). While the journal cannot be written to, every record waits. wall_ms:
 * the time of the failure in letters. WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code outbox_fill(const struct outbox *outbox, struct batch *batch, int64_t wall_ms,
                               struct weir_err *err);

/*
 * Why a topic cannot be written to, as the sink's last look at the topics has it: fills *why and returns
 * true, or false when all topics seem to be well.
 */
bool outbox_topic_trouble(const struct outbox *outbox, struct weir_err *why);

#endif
