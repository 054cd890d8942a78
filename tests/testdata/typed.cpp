// Types and functions of C++: references, classes with bases, namespaces, methods, templates, overloads.
#include <string>

struct Base {
  int b1 = 1;
};
struct Two {
  long b2 = 2;
};
struct Derived : Base, Two {
  int d1 = 3;
  static int shared;
};
int Derived::shared = 9;
enum class Level : unsigned char { low = 1, high = 200 };
template <typename T>
struct Box {
  T value;
  int tag;
};
struct Heavy {
  int h = 0;
  Heavy(int value) : h(value) {}
  Heavy(const Heavy &other) : h(other.h + 1) {}
  ~Heavy() { h = 0; }
};

volatile long sink;

namespace ns {
class Klass {
 public:
  int k = 5;
  __attribute__((noinline)) int method(int by) { return sink = k + by; }
};
struct Inner {
  int i;
};
__attribute__((noinline)) int f(Inner *inner, int n) { return sink = inner->i + n; }
}  // namespace ns

__attribute__((noinline)) int overloaded(int a) { return sink = a; }
__attribute__((noinline)) int overloaded(long a, char b) { return sink = a + b; }
extern "C" __attribute__((noinline)) int derived(Derived *d, Derived &r, Level level) {
  return sink = d->d1 + r.b1 + static_cast<int>(level);
}
extern "C" __attribute__((noinline)) int boxed(Box<int> box, Box<long> *other) {
  return sink = box.value + other->value;
}
extern "C" __attribute__((noinline)) int heavy(Heavy value, int n) { return sink = value.h + n; }

int main() {
  Derived d;
  ns::Klass klass;
  ns::Inner inner{6};
  Box<long> box{8, 9};
  klass.method(10);
  ns::f(&inner, 11);
  overloaded(12);
  overloaded(13L, 'c');
  derived(&d, d, Level::high);
  boxed(Box<int>{14, 15}, &box);
  heavy(Heavy(16), 17);
  return 0;
}
