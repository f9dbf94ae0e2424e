/* What became of letters, as the ledger's topic has it: for an audit, which must know where a replay went. */
#ifndef WEIR_AUDIT_FINAL_H
#define WEIR_AUDIT_FINAL_H

#include "dlq/ledger.h"

/* One thread. */
struct final;

/* topic: the input's; output: the topic that replays go to by default. Both are borrowed. NO_MEMORY. */
enum weir_err_code final_new(const char *topic, const char *output, struct final **out, struct weir_err *err);
/* NULL is fine. */
void final_free(struct final *final);

/* Takes a record of the ledger's topic. Fails as ledger_take. */
enum weir_err_code final_take(struct final *final, const struct weir_record *record, struct weir_err *err);

/* DUPLICATE_IDENTITY when somebody is at work on letters. */
enum weir_err_code final_check(const struct final *final, int64_t now_ms, struct weir_err *err);

/* True when both were read from a ledger in the same state. */
bool final_same(const struct final *a, const struct final *b);

enum ledger_state final_state(const struct final *final, int32_t partition, int64_t offset);

/* True when that record was replayed through the pipeline, into the output. */
bool final_in_output(const struct final *final, int32_t partition, int64_t offset);

#endif
