/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_REGISTERS_H
#define KEYSHM_REGISTERS_H

/*
 * The processor's registers, when a key has passed through them. What a call leaves in a register comes to lie in
 * memory later, where nobody wipes it: in the frame of a signal, or on the stack when the program's next call is bound
 * at its first use and the dynamic linker saves the vector registers. So a call that handles a key ends with none of it
 * in a register that the calling convention lets it keep dirty (System V ABI, AMD64, 3.2.3; AAPCS64, 6.1).
 */

/* All of them, also those that libc's string functions use on processors that have more. */
void registers_wipe(void);

#endif
