namespace Streams.Cluster;

/// <summary>A small file of the catalog can be read, but not what it says. Caught where it is known how to go on without it.</summary>
internal sealed class DamagedFileException(string message, Exception? cause = null) : Exception(message, cause);
