/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "expect.h"

static const struct operation_list *const lists[] = {
    &pick_operations,  &mark_operations,  &membership_operations, &observing_operations, &group_operations,
    &model_operations, &probe_operations, &order_operations,      &limit_operations,     &provider_operations,
};

unsigned operations_in(unsigned proofs, const struct operation *ret_operations[OPERATIONS_MAX])
{
    unsigned count = 0;
    for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++)
        for (size_t i = 0; i < lists[list]->count; i++)
            if ((lists[list]->operations[i].proofs & proofs) != 0) {
                EXPECT(count < OPERATIONS_MAX);
                ret_operations[count++] = &lists[list]->operations[i];
            }
    return count;
}

bool operation_is_meant(const struct operation *operation, const char *name_or_null)
{
    size_t length = name_or_null != NULL ? strlen(name_or_null) : 0;
    if (length == 0 || strcmp(operation->name, name_or_null) == 0)
        return true;
    return name_or_null[length - 1] == ',' && strncmp(operation->name, name_or_null, length) == 0;
}
