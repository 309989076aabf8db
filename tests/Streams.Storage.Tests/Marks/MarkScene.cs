using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Short words for events that are taken once.</summary>
internal static class MarkScene
{
    public static readonly StreamPath Sessions = StreamPath.Parse("/$mqtt");

    public static Mark Number(int number, string client = "car", ulong owner = 1, int max = 100) =>
        new(Sessions, "qos2/" + client, new ProducerId(owner), number, max);

    public static PlainEvent Event(string payload) => new("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes(payload), 1);

    public static async Task<EventPlace?> OnceAsync(this Scene scene, string payload, Mark mark, bool isNew = false) =>
        await scene.Store.AppendOnceAsync(P0, Event(payload), mark, isNew, default);

    public static async Task<bool> ClearAsync(this Scene scene, Mark mark) => await scene.Store.ClearMarkAsync(mark, default);

    /// <summary>The numbers that are marked, as the register says it.</summary>
    public static int[] Marked(this Scene scene, string client = "car", ulong owner = 1) =>
        [.. MarkedNumbers.Of(new ProducerId(owner), scene.Store.Register(Sessions, "qos2/" + client)?.Value ?? default)
            .Numbers.ToArray().Select(n => (int)n)];
}
