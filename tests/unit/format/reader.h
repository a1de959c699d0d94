/* Opens bytes or files through the format layer and states what came of it. */
#ifndef TEST_FORMAT_READER_H
#define TEST_FORMAT_READER_H

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include <string>

#include "counting.h"
#include "unit/format/build.h"
#include "unit/model/files.h"

extern "C" {
#include "base/status.h"
#include "base/writer.h"
#include "format/contents.h"
#include "format/dtype_size.h"
#include "format/gguf_write.h"
#include "format/names.h"
#include "format/ranges.h"
}

class Weights {
  public:
    ~Weights() { close(); }
    void close() {
        llmi_weights_unref(w);
        w = nullptr;
    }
    llm_status open(const std::string &path, bool use_mmap = true, bool metadata_only = false,
                    const llm_allocator *a = &llmi_default_allocator) {
        llmi_weights_options options = {use_mmap, metadata_only};
        close();
        llmi_error_clear();
        llm_status status = llmi_weights_open(&w, a, path.c_str(), &options);
        EXPECT_EQ(status == LLM_OK, w != nullptr);
        EXPECT_EQ(status == LLM_OK, llm_last_error()[0] == 0) << llm_last_error();
        return status;
    }
    /* From a copy of exactly these bytes, so that a sanitizer sees the first one beyond. */
    llm_status parse(const std::string &bytes, int format, bool metadata_only = false,
                     const llm_allocator *a = &llmi_default_allocator) {
        close();
        exact.reset(new char[bytes.size() + bytes.empty()]);
        memcpy(exact.get(), bytes.data(), bytes.size());
        n_exact = bytes.size();
        llmi_contents c;
        llmi_error_clear();
        llmi_weights_contents_init(&c, a);
        c.format = format;
        llm_status status = format == LLMI_FORMAT_GGUF ? llmi_gguf_parse(&c, exact.get(), n_exact, metadata_only)
                                                       : llmi_safetensors_parse(&c, exact.get(), n_exact);
        if (status == LLM_OK)
            status = llmi_weights_from_contents(&w, &c);
        else
            llmi_weights_contents_free(&c);
        EXPECT_EQ(status == LLM_OK, w != nullptr);
        EXPECT_EQ(status == LLM_OK, llm_last_error()[0] == 0) << llm_last_error();
        if (w) expect_inside();
        return status;
    }
    std::string text(const std::string &key) const {
        for (int32_t i = 0; i < llmi_weights_meta_count(w); i++) {
            llm_span k, v;
            llmi_weights_meta_at(&k, &v, w, i);
            if (key == std::string(k.ptr, k.len)) return std::string(v.ptr, v.len);
        }
        return "(none)";
    }

    llmi_weights *w = nullptr;

  private:
    /* Each tensor's bytes lie in the input, apart from all others. */
    void expect_inside() const {
        const char *begin = exact.get(), *end = begin + n_exact;
        for (int32_t i = 0; i < llmi_weights_tensor_count(w); i++) {
            const llmi_tensor *t = llmi_weights_tensor_at(w, i);
            auto *data = static_cast<const char *>(t->data);
            ASSERT_GE(data, begin);
            ASSERT_LE(t->n_bytes, (size_t)(end - data));
            for (int32_t j = 0; j < i; j++) {
                const llmi_tensor *u = llmi_weights_tensor_at(w, j);
                auto *other = static_cast<const char *>(u->data);
                ASSERT_TRUE(data + t->n_bytes <= other || other + u->n_bytes <= data);
            }
        }
    }
    std::unique_ptr<char[]> exact;
    size_t n_exact = 0;
};

inline void expect_error(llm_status want, const std::string &says, llm_status got, const std::string &what) {
    EXPECT_EQ(want, got) << what << ": " << llm_last_error();
    EXPECT_NE(nullptr, strstr(llm_last_error(), says.c_str())) << what << ": \"" << llm_last_error() << "\"";
}

#endif
