#include "dlq/lease.h"

#include <jansson.h>
#include <string.h>

size_t lease_print(const struct lease *lease, char *text)
{
    json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b}", "v", LEDGER_VERSION, "run",
                               lease->run, "by", lease->by, "host", lease->host, "verb", lease->verb, "pid",
                               (json_int_t)lease->pid, "since", (json_int_t)lease->since_ms, "beat",
                               (json_int_t)lease->beat_ms, "held", (int)lease->held);
    size_t len = json_dumpb(object, text, LEDGER_VALUE_MAX, JSON_COMPACT);
    json_decref(object);
    return len;
}

static bool read_text(const json_t *object, const char *name, char *to, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) >= cap)
        return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

bool lease_parse(struct weir_bytes value, struct lease *lease)
{
    *lease = (struct lease){.held = false};
    if (!value.data)
        return false;
    json_t *object = json_loadb((const char *)value.data, value.len, 0, NULL);
    bool good = read_text(object, "run", lease->run, sizeof lease->run) &&
                read_text(object, "by", lease->by, sizeof lease->by) &&
                read_text(object, "host", lease->host, sizeof lease->host) &&
                read_text(object, "verb", lease->verb, sizeof lease->verb);
    lease->pid = json_integer_value(json_object_get(object, "pid"));
    lease->since_ms = json_integer_value(json_object_get(object, "since"));
    lease->beat_ms = json_integer_value(json_object_get(object, "beat"));
    lease->held = good && json_is_true(json_object_get(object, "held"));
    json_decref(object);
    return good;
}

bool lease_alive(const struct lease *lease, int64_t now_ms, const char *host, bool (*alive)(int64_t pid))
{
    if (!lease->held || now_ms - lease->beat_ms >= LEASE_MS)
        return false;
    return strcmp(lease->host, host) != 0 || alive(lease->pid);
}
