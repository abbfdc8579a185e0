// SPDX-License-Identifier: Apache-2.0
// Loads a state dict as initial weights into the paper's slice network and writes
// the network's parameters and buffers as a dictionary that Python's torch reads.
#include <fstream>
#include <iostream>
#include <vector>

#include "torch/torch.h"
#include "training/trainers/initial_weights.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: initial_weights_dump STATE_DICT OUT\n";
    return 2;
  }
  torch::manual_seed(1);
  m3lung::SliceNet net(m3lung::SliceNetOptions{});
  if (const absl::Status status = m3lung::LoadInitialWeights(argv[1], net); !status.ok()) {
    std::cerr << status.message() << "\n";
    return 1;
  }
  c10::Dict<std::string, torch::Tensor> weights;
  for (const auto& item : net->named_parameters()) {
    weights.insert(item.key(), item.value().detach());
  }
  for (const auto& item : net->named_buffers()) weights.insert(item.key(), item.value());
  const std::vector<char> bytes = torch::pickle_save(weights);
  std::ofstream(argv[2], std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
  return 0;
}
