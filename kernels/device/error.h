#pragma once

#include <stdexcept>

namespace serenade {

/// Base of everything Serenade throws. The text says what was asked, what was found, what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Tensors whose shapes, devices or sizes do not fit the operation.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An option out of its range, an unknown key or name: the user's text must change.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// A recording, a data set or a file from outside that does not hold what it should.
class DataError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused: missing file, full disk, no permission.
class IoError : public Error {
 public:
  using Error::Error;
};

/// The device asked for is not there or failed.
class DeviceError : public Error {
 public:
  using Error::Error;
};

}  // namespace serenade
