#include "engine/trouble.h"

#include <string.h>

#include "sys/log.h"

static bool same(const struct weir_err *a, const struct weir_err *b)
{
    bool down = a->code == WEIR_ERR_BROKER_DOWN || a->code == WEIR_ERR_REGISTRY_DOWN;
    return a->code == b->code && (down || strcmp(a->text, b->text) == 0);
}

/* The row of that trouble, else a free one, else the last. */
static int find_row(const struct trouble *trouble, const struct weir_err *err)
{
    int free_row = TROUBLE_MAX - 1;
    for (int i = TROUBLE_MAX - 1; i >= 0; i--) {
        if (trouble->rows[i].holders == 0)
            free_row = i;
        else if (same(&trouble->rows[i].err, err))
            return i;
    }
    return free_row;
}

int trouble_join(struct trouble *trouble, const struct weir_err *err, int64_t now_ms)
{
    int row = find_row(trouble, err);
    if (trouble->rows[row].holders++ == 0) {
        trouble->rows[row].err = *err;
        trouble->rows[row].since_ms = now_ms;
        log_warn(weir_err_name(err->code), "%s; waiting", err->text);
    }
    return row;
}

void trouble_leave(struct trouble *trouble, int row, int64_t now_ms)
{
    if (--trouble->rows[row].holders > 0)
        return;
    double seconds = (double)(now_ms - trouble->rows[row].since_ms) / 1000.0;
    log_info("recovered", "over after %.1f s: %s", seconds, trouble->rows[row].err.text);
}

void trouble_hand_over(struct trouble *trouble, int row)
{
    if (--trouble->rows[row].holders == 0)
        log_info("handed_over", "what waited belongs to other members now: %s", trouble->rows[row].err.text);
}
