#include "engine/holds.h"

#include <stdlib.h>

#define FIRST_CAP 16

void holds_init(struct holds *holds, struct trouble *trouble, struct source *source, struct timer *timer)
{
    *holds = (struct holds){.trouble = trouble, .source = source, .timer = timer};
}

void holds_release(struct holds *holds)
{
    free(holds->rows);
    holds->rows = NULL;
    holds->n = holds->cap = 0;
}

static int64_t now_ms(const struct holds *holds)
{
    return holds->timer->ops->monotonic_ms(holds->timer);
}

static struct hold *find(struct holds *holds, int32_t partition)
{
    for (size_t i = 0; i < holds->n; i++)
        if (holds->rows[i].at.partition == partition)
            return &holds->rows[i];
    return NULL;
}

static struct hold *append(struct holds *holds)
{
    if (holds->n == holds->cap) {
        size_t cap = holds->cap ? holds->cap * 2 : FIRST_CAP;
        struct hold *rows = realloc(holds->rows, cap * sizeof *rows);
        if (!rows)
            return NULL;
        holds->rows = rows;
        holds->cap = cap;
    }
    return &holds->rows[holds->n++];
}

/* The order of rows means nothing, so the last one fills the gap. */
static void drop(struct holds *holds, struct hold *hold)
{
    *hold = holds->rows[--holds->n];
}

/* Sets the pause of a hold that is new (pause_ms 0) or waits again, and the trouble that it shares. */
static void prolong(struct holds *holds, struct hold *hold, const struct weir_err *why)
{
    int64_t longer = hold->pause_ms ? hold->pause_ms * 2 : HOLDS_FIRST_MS;
    hold->pause_ms = longer < HOLDS_LONGEST_MS ? longer : HOLDS_LONGEST_MS;
    uint32_t half = (uint32_t)(hold->pause_ms / 2);
    hold->retry_at_ms = now_ms(holds) + half + holds->timer->ops->random(holds->timer, half + 1);
    /* Join before leave: one trouble that goes on must not be said to be over. */
    int before = hold->trouble;
    hold->trouble = trouble_join(holds->trouble, why, now_ms(holds));
    if (before >= 0)
        trouble_leave(holds->trouble, before, now_ms(holds));
}

enum weir_err_code holds_add(struct holds *holds, struct position at, const struct weir_err *why,
                             struct weir_err *err)
{
    struct hold *hold = find(holds, at.partition);
    if (!hold) {
        hold = append(holds);
        if (!hold)
            return weir_fail(err, WEIR_ERR_NO_MEMORY, "no memory to let partition %d wait", at.partition);
        *hold = (struct hold){.trouble = -1};
    }
    if (hold->at.offset != at.offset)
        hold->pause_ms = 0;
    hold->at = at;
    hold->paused = true;
    hold->adrift_ms = 0;
    prolong(holds, hold, why);
    enum weir_err_code code = holds->source->ops->seek(holds->source, &at, 1, err);
    if (code == WEIR_OK)
        code = holds->source->ops->pause(holds->source, at.partition, err);
    return code;
}

void holds_passed(struct holds *holds, int32_t partition, int64_t offset)
{
    struct hold *hold = holds->n ? find(holds, partition) : NULL;
    if (!hold || offset <= hold->at.offset)
        return;
    trouble_leave(holds->trouble, hold->trouble, now_ms(holds));
    drop(holds, hold);
}

/*
 * The partition is not ours, or ours anew. When it comes back and still has to wait, that is the same trouble
 * going on: forgetting it at once would say that it is over, and then say it again, at each rebalance.
 */
static void drift(struct holds *holds, struct hold *hold)
{
    if (hold->adrift_ms == 0)
        hold->adrift_ms = now_ms(holds);
    if (now_ms(holds) - hold->adrift_ms < HOLDS_ADRIFT_MS)
        return;
    trouble_hand_over(holds->trouble, hold->trouble);
    drop(holds, hold);
}

enum weir_err_code holds_tend(struct holds *holds, bool now, struct weir_err *err)
{
    for (size_t i = holds->n; i-- > 0;) {
        struct hold *hold = &holds->rows[i];
        if (!holds->source->ops->owns(holds->source, hold->at.partition, hold->at.epoch)) {
            drift(holds, hold);
        } else if (hold->paused && (now || now_ms(holds) >= hold->retry_at_ms)) {
            hold->paused = false;
            enum weir_err_code code = holds->source->ops->resume(holds->source, hold->at.partition, err);
            if (code != WEIR_OK)
                return code;
        }
    }
    return WEIR_OK;
}
