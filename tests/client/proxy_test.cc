// SPDX-License-Identifier: Apache-2.0
#include "client/proxy.h"

#include <cstdlib>
#include <initializer_list>
#include <utility>

#include "client/remote_status.h"
#include "gmock/gmock.h"

namespace m3lung::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// An environment with these variables alone, of those about proxies.
class Environment {
 public:
  explicit Environment(std::initializer_list<std::pair<const char*, const char*>> variables) {
    Clear();
    for (const auto& [name, value] : variables) setenv(name, value, 1);
  }
  ~Environment() { Clear(); }

 private:
  static void Clear() {
    for (const char* name :
         {"grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy"}) {
      unsetenv(name);
    }
  }
};

TEST(IsLoopbackTest, KnowsThisMachineByAllItsNames) {
  for (const char* target : {"127.0.0.1:50051", "127.8.0.1:1", "127.0.0.1", "localhost:50051",
                             "LOCALHOST", "[::1]:50051", "::1", "[::ffff:127.0.0.1]:1",
                             "dns:///localhost:1", "dns://8.8.8.8/localhost:1", "ipv4:127.0.0.1:1",
                             "ipv6:[::1]:1", "unix:/run/m3lung.sock", "unix-abstract:m3lung"}) {
    EXPECT_TRUE(IsLoopback(target)) << target;
  }
  for (const char* target : {"128.0.0.1:1", "10.127.0.1:1", "server:50051", "localhost.example:1",
                             "127.example:1", "[::2]:1", "[fe80::1]:1", "dns:///server:1", ""}) {
    EXPECT_FALSE(IsLoopback(target)) << target;
  }
}

TEST(ProxyForTest, TakesTheFirstVariableThatIsSet) {
  const Environment environment(
      {{"https_proxy", "http://user:pass@proxy.example:3128/"}, {"http_proxy", "http://other:1"}});
  const Proxy proxy = ProxyFor("server:50051");
  EXPECT_EQ(proxy.variable, "https_proxy");
  EXPECT_EQ(proxy.address, "proxy.example:3128");
  EXPECT_EQ(ProxyFor("127.0.0.1:50051").variable, "");
}

TEST(ProxyForTest, KnowsExceptionsAndEmptyVariables) {
  {
    const Environment environment({{"http_proxy", "http://proxy:1"}, {"no_proxy", "a, .example"}});
    EXPECT_EQ(ProxyFor("server.example:1").variable, "");
    EXPECT_EQ(ProxyFor("server.example.com:1").variable, "http_proxy");
  }
  const Environment environment({{"grpc_proxy", ""}, {"http_proxy", "http://proxy:1"}});
  EXPECT_EQ(ProxyFor("server:1").variable, "");
}

TEST(ExplainFailureTest, NamesTheProxyAndNeverItsPassword) {
  const Environment environment({{"http_proxy", "http://user:secret@proxy.example:3128"}});
  const absl::Status status = absl::UnavailableError("failed to connect");
  EXPECT_THAT(
      ExplainFailure(status, "server:50051"),
      AllOf(HasSubstr("through the proxy proxy.example:3128, which the environment variable "
                      "http_proxy names"),
            HasSubstr("no_proxy=server"), Not(HasSubstr("secret"))));
  EXPECT_THAT(ExplainFailure(status, "127.0.0.1:50051"), Not(HasSubstr("proxy")));
}

}  // namespace
}  // namespace m3lung::client
