/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_CMD_H
#define KEYSHM_CTL_CMD_H

/* The entry points of the commands, each in the cmd_*.c that is named after it or after what it is about. They return the
 * exit status. */

#include "arguments.h"
#include "failure.h"

/* cmd_pool.c */
enum exit_status cmd_create(const struct arguments *arguments);
enum exit_status cmd_destroy(const struct arguments *arguments);

/* cmd_add.c */
enum exit_status cmd_add(const struct arguments *arguments);

/* cmd_set.c */
enum exit_status cmd_set(const struct arguments *arguments);

/* cmd_key.c */
enum exit_status cmd_remove(const struct arguments *arguments);
enum exit_status cmd_priority(const struct arguments *arguments);
enum exit_status cmd_weight(const struct arguments *arguments);
enum exit_status cmd_reset(const struct arguments *arguments);

/* cmd_mark.c */
enum exit_status cmd_mark(const struct arguments *arguments);
enum exit_status cmd_pause(const struct arguments *arguments);
enum exit_status cmd_resume(const struct arguments *arguments);
enum exit_status cmd_success(const struct arguments *arguments);

/* cmd_answer.c */
enum exit_status cmd_judge(const struct arguments *arguments);
enum exit_status cmd_report(const struct arguments *arguments);

/* cmd_providers.c */
enum exit_status cmd_providers(const struct arguments *arguments);

/* cmd_group.c */
enum exit_status cmd_group(const struct arguments *arguments);

/* cmd_model.c */
enum exit_status cmd_model(const struct arguments *arguments);

/* cmd_policy.c */
enum exit_status cmd_policy(const struct arguments *arguments);

/* cmd_limits.c */
enum exit_status cmd_limits(const struct arguments *arguments);

/* cmd_reap.c */
enum exit_status cmd_reap(const struct arguments *arguments);

/* cmd_check.c */
enum exit_status cmd_check(const struct arguments *arguments);

/* cmd_pick.c */
enum exit_status cmd_next(const struct arguments *arguments);
enum exit_status cmd_exec(const struct arguments *arguments);

/* cmd_metadata.c */
enum exit_status cmd_metadata(const struct arguments *arguments);
enum exit_status cmd_label(const struct arguments *arguments);

/* cmd_export.c, cmd_import.c */
enum exit_status cmd_export(const struct arguments *arguments);
enum exit_status cmd_import(const struct arguments *arguments);

/* cmd_verify.c */
enum exit_status cmd_verify(const struct arguments *arguments);
enum exit_status cmd_repair(const struct arguments *arguments);

/* cmd_mutex.c */
enum exit_status cmd_holder(const struct arguments *arguments);
enum exit_status cmd_break_lock(const struct arguments *arguments);

#endif
