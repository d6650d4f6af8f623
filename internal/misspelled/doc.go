// Package misspelled guesses which known name somebody meant who wrote another.
package misspelled
