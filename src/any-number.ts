/**
 * What fields begin with that hold small integers first, and large or fractional numbers in time. V8 keeps a field for small integers (31 bits) until
 * the first other number is stored there, then gives all objects of the class another shape, and throws away all the code that it has optimised for them.
 */
export const ANY_NUMBER = 0.5;
