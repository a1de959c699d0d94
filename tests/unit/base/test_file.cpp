#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "counting.h"
#include "unit/model/files.h"

extern "C" {
#include "base/file.h"
#include "base/writer.h"
}

namespace {

std::string slurp(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

int n_files(const std::string &folder) {
    int n = 0;
    for (auto &entry : std::filesystem::directory_iterator(folder)) n += !entry.path().empty();
    return n;
}

int n_descriptors() {
    return n_files("/proc/self/fd");
}

class File : public ::testing::TestWithParam<bool> {
  protected:
    llm_status open(const std::string &path) {
        return llmi_file_open(&f, &llmi_default_allocator, path.c_str(), GetParam());
    }
    Folder folder;
    llmi_file f = {};
};

TEST_P(File, HoldsItsBytes) {
    int before = n_descriptors();
    for (size_t n : {1, 4095, 4096, 4097, 1000000}) {
        std::string bytes(n, 'x');
        bytes[n / 2] = 'y';
        ASSERT_EQ(LLM_OK, open(folder.write("f", bytes))) << llm_last_error();
        EXPECT_EQ(bytes, std::string(f.data, f.size));
        EXPECT_EQ(GetParam(), f.mapped);
        EXPECT_EQ(before, n_descriptors()) << "the descriptor is closed at once";
        llmi_file_close(&f);
        llmi_file_close(&f);
    }
}

TEST_P(File, MayBeEmpty) {
    ASSERT_EQ(LLM_OK, open(folder.write("f", "")));
    EXPECT_EQ(nullptr, f.data);
    EXPECT_EQ(0u, f.size);
    llmi_file_close(&f);
}

TEST_P(File, OutlivesItsName) {
    std::string path = folder.write("f", "hello");
    ASSERT_EQ(LLM_OK, open(path));
    unlink(path.c_str());
    EXPECT_EQ("hello", std::string(f.data, f.size));
    llmi_file_close(&f);
}

TEST_P(File, OnlyRegularFilesAreOpened) {
    std::string fifo = folder.path + "/fifo", sock = folder.path + "/sock", dangling = folder.path + "/dangling";
    ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
    ASSERT_EQ(0, symlink("/nowhere/at/all", dangling.c_str()));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, sock.c_str(), sizeof address.sun_path - 1);
    bool have_socket = bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
    const struct {
        std::string path;
        llm_status status;
        const char *says;
    } rows[] = {{folder.path, LLM_E_IO, "is a directory, expected a regular file"},
                {fifo, LLM_E_IO, "is a pipe"},
                {"/dev/null", LLM_E_IO, "is a device"},
                {"/dev/zero", LLM_E_IO, "is a device"},
                {have_socket ? sock : fifo, LLM_E_IO, ""},
                {dangling, LLM_E_NOT_FOUND, "cannot be opened"},
                {folder.path + "/none", LLM_E_NOT_FOUND, "/none: cannot be opened"},
                {folder.path + "/none/none", LLM_E_NOT_FOUND, "cannot be opened"},
                {"", LLM_E_NOT_FOUND, "cannot be opened"}};
    int before = n_descriptors();
    for (auto &row : rows) {
        EXPECT_EQ(row.status, open(row.path)) << row.path;
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.says)) << llm_last_error();
        EXPECT_EQ(nullptr, f.data);
    }
    EXPECT_EQ(before, n_descriptors());
    close(fd);
}

TEST_P(File, StrangeNamesAreQuoted) {
    EXPECT_EQ(LLM_E_NOT_FOUND, open("/tmp/\x1b[31m\nred\""));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "\\x1b[31m\\nred\\\"")) << llm_last_error();
}

TEST_P(File, AllocationsMayFail) {
    std::string path = folder.write("f", "hello");
    for (int fail_at = 0;; fail_at++) {
        Counting counting;
        counting.fail_at = fail_at;
        llm_status status = llmi_file_open(&f, &counting.allocator, path.c_str(), GetParam());
        if (status == LLM_OK) llmi_file_close(&f);
        EXPECT_EQ(0, counting.alive);
        if (status == LLM_OK) break;
        EXPECT_EQ(LLM_E_MEMORY, status);
    }
}

TEST_P(File, NamesInADirectoryArePlain) {
    folder.write("good.bin", "hello");
    std::filesystem::create_directory(folder.path + "/sub");
    folder.write("sub/x", "no");
    int dir = ::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY);
    auto open_at = [&](const char *name) {
        return llmi_file_open_at(&f, &llmi_default_allocator, dir, "DIR", name, GetParam());
    };
    ASSERT_EQ(LLM_OK, open_at("good.bin"));
    EXPECT_EQ("hello", std::string(f.data, f.size));
    EXPECT_STREQ("DIR/good.bin", f.path);
    llmi_file_close(&f);
    for (const char *name : {"", ".", "..", "sub/x", "../x", "/etc/passwd", "sub\\x", "a/", "./good.bin"}) {
        EXPECT_EQ(LLM_E_FORMAT, open_at(name)) << name;
        EXPECT_NE(nullptr, strstr(llm_last_error(), "is not a plain file name")) << llm_last_error();
    }
    EXPECT_EQ(LLM_E_NOT_FOUND, open_at("none"));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "DIR/none")) << llm_last_error();
    EXPECT_EQ(LLM_E_IO, open_at("sub"));
    close(dir);
}

INSTANTIATE_TEST_SUITE_P(MappedOrRead, File, ::testing::Bool());

TEST(Path, SaysWhetherItIsADirectory) {
    Folder folder;
    EXPECT_EQ(1, llmi_file_is_dir(folder.path.c_str()));
    EXPECT_EQ(0, llmi_file_is_dir(folder.write("f", "x").c_str()));
    EXPECT_EQ(LLM_E_NOT_FOUND, llmi_file_is_dir((folder.path + "/none").c_str()));
    EXPECT_EQ(LLM_E_NOT_FOUND, llmi_file_is_dir(""));
}

/* A mapped file that shrinks: an answer where touching the bytes would raise SIGBUS. */
TEST(FileCopy, SaysThatAMappedFileBecameShorter) {
    Folder folder;
    std::string path = folder.write("f", std::string(20000, 'x'));
    llmi_file f;
    ASSERT_EQ(LLM_OK, llmi_file_open(&f, &llmi_default_allocator, path.c_str(), true));
    std::string bytes(20000, 0);
    char probe;
    ASSERT_TRUE(llmi_file_copy(bytes.data(), f.data, f.size));
    EXPECT_EQ(std::string(20000, 'x'), bytes);
    EXPECT_TRUE(llmi_file_copy(&probe, f.data, 0));
    ASSERT_EQ(0, truncate(path.c_str(), 5000));
    EXPECT_TRUE(llmi_file_copy(bytes.data(), f.data, 5000));
    EXPECT_FALSE(llmi_file_copy(bytes.data(), f.data, 20000));
    EXPECT_FALSE(llmi_file_copy(&probe, f.data + 19999, 1));
    llmi_file_close(&f);
}

/* ---- writing ---- */

llm_status write_all(const std::string &path, const std::string &bytes,
                     const llm_allocator *a = &llmi_default_allocator) {
    llmi_writer w;
    llm_status status = llmi_writer_open(&w, a, path.c_str());
    if (status != LLM_OK) return status;
    size_t half = bytes.size() / 2;
    status = llmi_writer_put(&w, bytes.data(), half);
    if (status == LLM_OK) status = llmi_writer_put(&w, bytes.data() + half, bytes.size() - half);
    if (status == LLM_OK) {
        EXPECT_EQ(bytes.size(), w.written);
        status = llmi_writer_commit(&w);
    }
    llmi_writer_discard(&w);
    return status;
}

TEST(Writer, FileAppearsWhole) {
    Folder folder;
    std::string path = folder.path + "/out";
    ASSERT_EQ(LLM_OK, write_all(path, "first")) << llm_last_error();
    EXPECT_EQ("first", slurp(path));
    ASSERT_EQ(LLM_OK, write_all(path, std::string(3000000, 'z')));
    EXPECT_EQ(std::string(3000000, 'z'), slurp(path));
    ASSERT_EQ(LLM_OK, write_all(path, ""));
    EXPECT_EQ("", slurp(path));
    EXPECT_EQ(1, n_files(folder.path));
}

TEST(Writer, NameWithoutAFolder) {
    Folder folder;
    std::string before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path);
    EXPECT_EQ(LLM_OK, write_all("plain", "x"));
    std::filesystem::current_path(before);
    EXPECT_EQ("x", slurp(folder.path + "/plain"));
}

TEST(Writer, NothingAppearsUntilCommitAndDiscardLeavesTheOldFile) {
    Folder folder;
    std::string path = folder.write("out", "old");
    llmi_writer w;
    ASSERT_EQ(LLM_OK, llmi_writer_open(&w, &llmi_default_allocator, path.c_str()));
    ASSERT_EQ(LLM_OK, llmi_writer_put(&w, "new", 3));
    EXPECT_EQ("old", slurp(path));
    llmi_writer_discard(&w);
    llmi_writer_discard(&w);
    EXPECT_EQ("old", slurp(path));
    EXPECT_EQ(1, n_files(folder.path));
}

TEST(Writer, TwoAtOnceDoNotMix) {
    Folder folder;
    std::string path = folder.path + "/out";
    llmi_writer a, b;
    ASSERT_EQ(LLM_OK, llmi_writer_open(&a, &llmi_default_allocator, path.c_str()));
    ASSERT_EQ(LLM_OK, llmi_writer_open(&b, &llmi_default_allocator, path.c_str()));
    llmi_writer_put(&a, "aaaa", 4);
    llmi_writer_put(&b, "bb", 2);
    EXPECT_EQ(LLM_OK, llmi_writer_commit(&a));
    EXPECT_EQ("aaaa", slurp(path));
    EXPECT_EQ(LLM_OK, llmi_writer_commit(&b));
    EXPECT_EQ("bb", slurp(path));
    EXPECT_EQ(1, n_files(folder.path));
}

TEST(Writer, FailuresLeaveNothingBehind) {
    Folder folder;
    std::filesystem::create_directory(folder.path + "/out");
    folder.write("out/inside", "x");
    EXPECT_NE(LLM_OK, write_all(folder.path + "/out", "x")) << "a directory is in the way";
    EXPECT_NE(nullptr, strstr(llm_last_error(), "is a directory, expected a regular file")) << llm_last_error();
    EXPECT_EQ(1, n_files(folder.path));
    EXPECT_EQ(LLM_E_NOT_FOUND, write_all(folder.path + "/none/out", "x"));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "cannot be created")) << llm_last_error();
    EXPECT_EQ(LLM_E_NOT_FOUND, write_all("", "x"));
    EXPECT_EQ(LLM_E_IO, write_all("/", "x"));
    EXPECT_EQ(LLM_E_IO, write_all(folder.path + "/", "x"));
    for (int fail_at = 0; fail_at < 2; fail_at++) {
        Counting counting;
        counting.fail_at = fail_at;
        EXPECT_EQ(LLM_E_MEMORY, write_all(folder.path + "/f", "x", &counting.allocator));
        EXPECT_EQ(0, counting.alive);
    }
    EXPECT_EQ(1, n_files(folder.path));
}

int mode_of(const std::string &path) {
    struct stat st = {};
    EXPECT_EQ(0, stat(path.c_str(), &st));
    return st.st_mode & 07777;
}

/* What stands there and is not a regular file stays; so does a file that may not be written. */
TEST(Writer, OnlyRegularFilesAreReplaced) {
    Folder folder;
    std::string fifo = folder.path + "/fifo", sock = folder.path + "/sock", dangling = folder.path + "/dangling",
                to_fifo = folder.path + "/to_fifo";
    ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
    ASSERT_EQ(0, symlink("/nowhere/at/all", dangling.c_str()));
    ASSERT_EQ(0, symlink("fifo", to_fifo.c_str()));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, sock.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address));
    int n_before = n_files(folder.path);
    const struct {
        std::string path;
        const char *says;
    } rows[] = {{folder.path, "is a directory"},          {fifo, "is a pipe"},   {to_fifo, "is a pipe"},
                {dangling, "a symbolic link to nothing"}, {sock, "is a socket"}, {"/dev/null", "is a device"}};
    for (auto &row : rows) {
        EXPECT_EQ(LLM_E_IO, write_all(row.path, "x")) << row.path;
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.says)) << llm_last_error();
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.path.c_str())) << llm_last_error();
    }
    EXPECT_EQ(n_before, n_files(folder.path));
    close(fd);
}

TEST(Writer, AnExistingFileKeepsItsModeAndOwnerAndItsLink) {
    Folder folder;
    std::string path = folder.write("out", "old"), link = folder.path + "/link", fresh = folder.path + "/fresh";
    ASSERT_EQ(0, symlink("out", link.c_str()));
    bool is_root = geteuid() == 0 && chown(path.c_str(), 1234, 1235) == 0;
    for (int mode : {0600, 0640, 0666}) {
        ASSERT_EQ(0, chmod(path.c_str(), static_cast<mode_t>(mode)));
        ASSERT_EQ(LLM_OK, write_all(mode == 0640 ? link : path, std::to_string(mode))) << llm_last_error();
        EXPECT_EQ(std::to_string(mode), slurp(path));
        EXPECT_EQ(mode, mode_of(path));
    }
    struct stat st = {};
    ASSERT_EQ(0, lstat(link.c_str(), &st));
    EXPECT_TRUE(S_ISLNK(st.st_mode));
    ASSERT_EQ(0, stat(path.c_str(), &st));
    if (is_root) {
        EXPECT_EQ(1234u, st.st_uid);
        EXPECT_EQ(1235u, st.st_gid);
    }
    mode_t mask = umask(027);
    EXPECT_EQ(LLM_OK, write_all(fresh, "x"));
    umask(mask);
    EXPECT_EQ(0640, mode_of(fresh)) << "a new file has the mode of any other";
    EXPECT_EQ(3, n_files(folder.path));
}

TEST(Writer, AFolderIsTheOneThatWasNamedEvenAfterChdir) {
    Folder folder, other;
    std::string before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path);
    llmi_writer w;
    ASSERT_EQ(LLM_OK, llmi_writer_open(&w, &llmi_default_allocator, "out"));
    std::filesystem::current_path(other.path);
    EXPECT_EQ(LLM_OK, llmi_writer_put(&w, "x", 1));
    EXPECT_EQ(LLM_OK, llmi_writer_commit(&w)) << llm_last_error();
    std::filesystem::current_path(before);
    EXPECT_EQ("x", slurp(folder.path + "/out"));
    EXPECT_EQ(0, n_files(other.path));
}

/* In a process of its own, which a SIGXFSZ would kill: the limit on file sizes stands for a full disk. */
TEST(Writer, FullDiskIsAnErrorThatLeavesTheOldFile) {
    Folder folder;
    std::string path = folder.write("out", "old");
    pid_t child = fork();
    if (child == 0) {
        rlimit limit = {1000, 1000};
        setrlimit(RLIMIT_FSIZE, &limit);
        llmi_writer w;
        bool ok = llmi_writer_open(&w, &llmi_default_allocator, path.c_str()) == LLM_OK &&
                  llmi_writer_put(&w, std::string(900, 'x').data(), 900) == LLM_OK &&
                  llmi_writer_put(&w, std::string(101, 'x').data(), 101) == LLM_E_IO &&
                  strstr(llm_last_error(), "out: cannot be written: File too large");
        llmi_writer_discard(&w);
        _exit(ok ? 0 : 1);
    }
    int code = -1;
    waitpid(child, &code, 0);
    EXPECT_EQ(0, code);
    EXPECT_EQ("old", slurp(path));
    EXPECT_EQ(1, n_files(folder.path));
}

TEST(Writer, KilledAtAnyMomentLeavesTheOldOrTheNewFile) {
    Folder folder;
    std::string path = folder.path + "/out", a(200000, 'a'), b(300000, 'b');
    ASSERT_EQ(LLM_OK, write_all(path, a));
    for (int round = 0; round < 60; round++) {
        pid_t child = fork();
        if (child == 0)
            for (int i = 0;; i++) write_all(path, i % 2 ? a : b);
        usleep((useconds_t)(round * 137 % 3000));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        std::string now = slurp(path);
        ASSERT_TRUE(now == a || now == b) << round << ": " << now.size() << " bytes";
    }
    EXPECT_LE(n_files(folder.path), 60) << "a name that was given may stay, unnamed bytes may not";
}

} // namespace
