#include "vgen/cli/interrupts.hpp"

#include <cerrno>
#include <ctime>

#include <poll.h>
#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "vgen/core/temporaries.hpp"
#include "vgen/formats/json.hpp"

namespace vgen::cli {
namespace {

// To unwind. The whole answer is to take less than 200 ms, of which a training may need 90 to save its last step, and a
// large process 50 to give its memory back.
constexpr long grace_ms = 60;

sem_t arrived;
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);
extern "C" void on_signal(int signal) {
  const int saved = errno;
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
  sem_post(&arrived);
  errno = saved;
}

void write_at_once(int descriptor, const std::string& text) {  // a reader that does not read must not keep us
  pollfd ready{descriptor, POLLOUT, 0};
  if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) && ::write(descriptor, text.data(), text.size()) < 0) return;
}

}  // namespace

Interrupts::Interrupts(const CancelToken& cancel, bool json) : cancel_(cancel), json_(json) {
  sem_init(&arrived, 0, 0);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);  // the watching thread takes no signal itself
  std::thread([this] { watch(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void Interrupts::say(std::string last_words) {
  const std::scoped_lock lock(mutex_);
  last_words_ = std::move(last_words);
}
std::string Interrupts::last_words() {
  const std::scoped_lock lock(mutex_);
  return last_words_;
}
void Interrupts::before_end(std::function<std::string()> rescue) {
  const std::scoped_lock lock(mutex_);
  rescue_ = std::move(rescue);
}

void Interrupts::watch() {
  while (sem_wait(&arrived) != 0) {}
  const int signal = first_signal;
  cancel_.cancel(signal);
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += grace_ms * 1'000'000;
  until.tv_sec += until.tv_nsec / 1'000'000'000;
  until.tv_nsec %= 1'000'000'000;
  while (sem_timedwait(&arrived, &until) != 0 && errno == EINTR) {}
  end(signal);
}

void Interrupts::end(int signal) {
  const std::scoped_lock lock(mutex_);  // say() and before_end() wait for ever now
  std::string words = rescue_ ? rescue_() : last_words_;
  discard_temporaries();
  words = "vgen: stopped on request; " + (words.empty() ? "nothing was left half-written" : words);
  write_at_once(2, "\n" + words + "\n");
  if (json_) {
    Node error = Node::map({{"type", "Interrupted"}, {"exit", 128 + signal}, {"message", words}});
    write_at_once(1, formats::dump_json(Node::map({{"error", std::move(error)}})) + "\n");
  }
  _exit(128 + signal);
}

}  // namespace vgen::cli
