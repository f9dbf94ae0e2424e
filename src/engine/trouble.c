#include "engine/trouble.h"

#include <string.h>

#include "sys/log.h"

void trouble_init(struct trouble *trouble, int64_t linger_ms)
{
    *trouble = (struct trouble){.linger_ms = linger_ms};
    (void)pthread_mutex_init(&trouble->lock, NULL);
}

void trouble_release(struct trouble *trouble)
{
    (void)pthread_mutex_destroy(&trouble->lock);
}

static void lock(struct trouble *trouble)
{
    (void)pthread_mutex_lock(&trouble->lock);
}

static void unlock(struct trouble *trouble)
{
    (void)pthread_mutex_unlock(&trouble->lock);
}

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
        if (!trouble->rows[i].said)
            free_row = i;
        else if (same(&trouble->rows[i].err, err))
            return i;
    }
    return free_row;
}

/* A trouble is the process's, not that of the worker that happens to say it. */
static void say(enum weir_log_level level, const char *event, const char *before, const struct weir_err *err,
                const char *behind)
{
    const char *name = log_name_thread(NULL);
    log_write(level, event, "%s%s%s", before, err->text, behind);
    (void)log_name_thread(name);
}

static void say_over(struct trouble_row *row)
{
    const char *name = log_name_thread(NULL);
    double seconds = (double)(row->left_ms - row->since_ms) / 1000.0;
    log_info("recovered", "over after %.1f s: %s", seconds, row->err.text);
    (void)log_name_thread(name);
    row->said = false;
}

int trouble_join(struct trouble *trouble, const struct weir_err *err, int64_t now_ms)
{
    lock(trouble);
    int index = find_row(trouble, err);
    struct trouble_row *row = &trouble->rows[index];
    row->holders++;
    row->left_ms = 0;
    if (!row->said) {
        row->err = *err;
        row->since_ms = now_ms;
        row->said = true;
        say(WEIR_LOG_WARN, weir_err_name(err->code), "", err, "; waiting");
    }
    unlock(trouble);
    return index;
}

bool trouble_known(struct trouble *trouble, enum weir_err_code code)
{
    bool known = false;
    lock(trouble);
    for (int i = 0; i < TROUBLE_MAX && !known; i++)
        known = trouble->rows[i].said && trouble->rows[i].err.code == code;
    unlock(trouble);
    return known;
}

void trouble_leave(struct trouble *trouble, int index, int64_t now_ms)
{
    lock(trouble);
    struct trouble_row *row = &trouble->rows[index];
    row->left_ms = now_ms;
    if (--row->holders == 0 && trouble->linger_ms == 0)
        say_over(row);
    unlock(trouble);
}

void trouble_hand_over(struct trouble *trouble, int index)
{
    lock(trouble);
    struct trouble_row *row = &trouble->rows[index];
    if (--row->holders == 0 && row->left_ms == 0) {
        say(WEIR_LOG_INFO, "handed_over", "what waited belongs to other members now: ", &row->err, "");
        row->said = false;
    } else if (row->holders == 0 && trouble->linger_ms == 0) {
        say_over(row);
    }
    unlock(trouble);
}

void trouble_tend(struct trouble *trouble, int64_t now_ms)
{
    lock(trouble);
    for (int i = 0; i < TROUBLE_MAX; i++) {
        struct trouble_row *row = &trouble->rows[i];
        if (row->said && row->holders == 0 && now_ms - row->left_ms >= trouble->linger_ms)
            say_over(row);
    }
    unlock(trouble);
}
