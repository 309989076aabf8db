using System.Diagnostics;
using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>The W3C trace context in the headers of an event, under the names that it has in HTTP and in MQTT 5's user properties. It is
/// part of the stored event, so it is still there when the event leaves the outbox days later, and at every cluster.</summary>
internal static class TraceHeaders
{
    /// <summary>Header of trace, parent and flags.</summary>
    public const string Parent = "traceparent";

    /// <summary>Header of what vendors add.</summary>
    public const string State = "tracestate";

    // What the standard asks everybody to pass on; longer ones are left off, the trace itself goes on without.
    private const int MaxStateBytes = 512;

    // The standard's version 00 takes 55; a longer one of a later version is still looked at.
    private const int MaxParentBytes = 128;

    /// <summary>Headers in stored form, with the context of an activity behind them. Left off: where the caller gives a context of his own,
    /// and where the headers would go over a limit by it: a trace never makes an event invalid.</summary>
    public static ReadOnlyMemory<byte> Encode(IReadOnlyList<EventHeader>? headers, Activity? activity)
    {
        int given = headers?.Count ?? 0;
        if (activity is not { IdFormat: ActivityIdFormat.W3C, Id: { } id } || IsOver(headers, given))
        {
            return given == 0 ? default : EventHeader.Encode(headers!);
        }

        string? state = activity.TraceStateString;
        bool hasState = !string.IsNullOrEmpty(state) && state.Length <= MaxStateBytes && Ascii.IsValid(state);
        EventHeader[] all = new EventHeader[given + (hasState ? 2 : 1)];
        for (int i = 0; i < given; i++)
        {
            all[i] = headers![i];
        }

        all[given] = new EventHeader(Parent, Encoding.ASCII.GetBytes(id));
        if (hasState)
        {
            all[given + 1] = new EventHeader(State, Encoding.ASCII.GetBytes(state!));
        }

        return EventHeader.Encode(all);
    }

    /// <summary>The context that headers carry, or none.</summary>
    public static ActivityContext Read(IReadOnlyList<EventHeader> headers)
    {
        string? parent = null;
        string? state = null;
        for (int i = 0; i < headers.Count; i++)
        {
            if (parent is null && headers[i].Value.Length <= MaxParentBytes && Is(headers[i], Parent))
            {
                parent = Encoding.Latin1.GetString(headers[i].Value.Span);
            }
            else if (state is null && headers[i].Value.Length <= MaxStateBytes && Is(headers[i], State))
            {
                state = Encoding.Latin1.GetString(headers[i].Value.Span);
            }
        }

        return ActivityContext.TryParse(parent, state, isRemote: true, out ActivityContext context) ? context : default;
    }

    private static bool IsOver(IReadOnlyList<EventHeader>? headers, int given)
    {
        int bytes = 0;
        for (int i = 0; i < given; i++)
        {
            EventHeader header = headers![i];
            if (Is(header, Parent) || Is(header, State))
            {
                return true;
            }

            bytes += (3 * header.Name.Length) + header.Value.Length + 8;
        }

        return given > EventLimits.MaxHeaders - 2 || bytes > EventLimits.MaxHeaderBytes - MaxStateBytes - MaxParentBytes;
    }

    private static bool Is(in EventHeader header, string name) => string.Equals(header.Name, name, StringComparison.OrdinalIgnoreCase);
}
