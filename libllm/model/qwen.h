/* What the Qwen families share: a window that a flag turns on, from one layer upward. */
#ifndef LLMI_MODEL_QWEN_H
#define LLMI_MODEL_QWEN_H

#include "model/arch.h"

#define LLMI_QWEN_WINDOW_ROWS                                                                                          \
    LLMI_HPARAM_INT(NULL, "sliding_window", n_window, 1, 1 << 30, 4096),                                               \
        LLMI_HPARAM_INT(NULL, "max_window_layers", window_from, 0, 1024, 28)

llm_status llmi_qwen_check(llmi_hparams *hp, const llmi_weights *w);

#endif
