/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMPILER_H
#define KEYSHM_COMPILER_H

/*
 * ALWAYS_INLINE: for what picks and marks consist of, where a call would cost a tenth of one, and for what runs while a
 * key is in registers: a call would save them on the stack, and a compiler that optimizes for size makes calls (-Os). A
 * build without optimisation inlines nothing, so that a branch is one branch in a report of coverage.
 */
#ifdef __OPTIMIZE__
#define ALWAYS_INLINE __attribute__((always_inline)) static inline
#else
#define ALWAYS_INLINE static inline
#endif

#endif
