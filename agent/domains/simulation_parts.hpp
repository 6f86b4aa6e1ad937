// What each domain provides for plans, as overloads beside it (domain.hpp of its folder):
//
//   simulated  the result of a query after the actions that were simulated so far
//   simulate   applies an action to the overlay, with the errors that the real machine would give
//
// A query or an action without its own does not compile.
#pragma once

namespace mlops {

class Simulation;

}  // namespace mlops
