using System.Buffers;
using System.Collections;
using System.Reflection;
using System.Text;

namespace Streams.Mqtt.Tests;

/// <summary>A packet as text that tells everything in it: two packets are alike when their texts are.</summary>
internal static class PacketText
{
    public static string Of(object? value)
    {
        StringBuilder text = new();
        Append(text, value);
        return text.ToString();
    }

    private static void Append(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null:
                text.Append('-');
                break;
            case string s:
                text.Append('"').Append(s).Append('"');
                break;
            case byte[] bytes when value.GetType() == typeof(byte[]):
                text.Append("0x").Append(Convert.ToHexString(bytes));
                break;
            case ReadOnlyMemory<byte> memory:
                text.Append("0x").Append(Convert.ToHexString(memory.Span));
                break;
            case ReadOnlySequence<byte> sequence:
                text.Append("0x").Append(Convert.ToHexString(sequence.ToArray()));
                break;
            case IEnumerable items:
                text.Append('[');
                foreach (object? item in items)
                {
                    Append(text, item);
                    text.Append(' ');
                }

                text.Append(']');
                break;
            case ValueType and not MqttUserProperty and not MqttSubscription:
                text.Append(value);
                break;
            default:
                text.Append(value.GetType().Name).Append('{');
                foreach (PropertyInfo property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
                {
                    text.Append(property.Name).Append('=');
                    Append(text, property.GetValue(value));
                    text.Append(' ');
                }

                text.Append('}');
                break;
        }
    }
}
