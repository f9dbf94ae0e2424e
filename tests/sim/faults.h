/*
 * Which fault a port call meets (faults.def), drawn from the world's chance, and how often each was drawn in
 * all runs. Beside errors there are delays, deaths (a process is killed in a call), and sleeps (it is stopped
 * there and goes on).
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdint.h>

#include "support/twin.h"

/* Forgets what was drawn. */
void faults_clear(void);

/* What the call meets. weather: how rough it is, from 1, rough, on. honest: the registry denies no id that it
 * knows. */
struct twin_fault faults_draw(struct twin_world *world, enum twin_op op, uint32_t weather, bool honest);

/* True when the process is killed now: at the beginning of a call, or in its middle. */
bool faults_kill(struct twin_world *world, enum twin_op op, uint32_t weather, bool within);

/* How long the process is stopped before a call, 0: it is not. */
int64_t faults_sleep(struct twin_world *world, enum twin_op op, uint32_t weather);

/* Prints what was drawn; returns how many things that may happen never did, and names them. */
size_t faults_report(void);

#endif
