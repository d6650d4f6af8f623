package main

// noFollow is nothing on Windows, where making links takes a right of its own.
const noFollow = 0
