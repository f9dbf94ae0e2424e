/* The job of `weir run`: every live record of a batch gets its verdict. Pure but for asking the registry for
 * unknown ids. */
#ifndef WEIR_ENGINE_JOB_PROCESS_H
#define WEIR_ENGINE_JOB_PROCESS_H

#include "engine/batch.h"
#include "engine/plans.h"

/*
 * Fills the outcome of each live item. A record that must wait (its schema id is not known yet, the registry
 * is down) cuts its run. wall_ms: the time of processing. WEIR_ERR_NO_MEMORY.
 */
enum weir_err_code job_process(struct batch *batch, struct plans *plans, enum weir_format format,
                               int64_t wall_ms, struct weir_err *err);

#endif
