namespace Streams.Geo;

/// <summary>A session ended for a reason that another attempt may mend.</summary>
internal sealed class LinkBrokenException(string message, Exception? cause = null) : Exception(message, cause);
