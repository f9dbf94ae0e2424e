#include "kafka/patience.h"

#include "kafka/admin.h"

#define LOOK_TIMEOUT_MS 1000

void patience_begin(struct patience *patience, int64_t now_ms)
{
    patience->since_ms = now_ms;
}

void patience_end(struct patience *patience)
{
    *patience = (struct patience){0};
}

/* A client of its own asks: the member's may be what is at fault. */
static bool topic_is_there(struct asker *asker)
{
    rd_kafka_t *client = NULL;
    struct sink_target target = {0};
    struct weir_err ignored;
    enum weir_err_code code = asker_client(asker, &client, &ignored);
    if (code == WEIR_OK)
        code = admin_look(client, asker->spec->core.input_topic, LOOK_TIMEOUT_MS, &target, &ignored);
    asker_drop(asker);
    return code == WEIR_OK && target.state == WEIR_OK;
}

static int64_t limit_of(const struct patience *patience)
{
    return patience->limit_ms ? patience->limit_ms : PATIENCE_FIRST_MS;
}

bool patience_over(const struct patience *patience, int64_t now_ms)
{
    return patience->since_ms != 0 && now_ms - patience->since_ms >= limit_of(patience);
}

bool patience_lost(struct patience *patience, struct asker *asker, int64_t now_ms)
{
    patience->since_ms = now_ms;
    if (!topic_is_there(asker))
        return false;
    int64_t next_ms = limit_of(patience) * 2;
    patience->limit_ms = next_ms < PATIENCE_LONGEST_MS ? next_ms : PATIENCE_LONGEST_MS;
    return true;
}
